//! Which addresses are public ([RFC 6890] and the registries it began): the others belong to somebody's
//! inside (SEC-15).
//!
//! [RFC 6890]: https://www.rfc-editor.org/rfc/rfc6890

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

/// The special-use blocks of IPv4, as first address and length of the prefix.
const SPECIAL_IPV4: [(Ipv4Addr, u32); 18] = [
    (Ipv4Addr::UNSPECIFIED, 8),           // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // shared by a carrier's customers
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local, cloud metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 31, 196, 0), 24), // answers for private addresses (AS112)
    (Ipv4Addr::new(192, 52, 193, 0), 24), // multicast tunnels (AMT)
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(192, 175, 48, 0), 24), // answers for private addresses (AS112)
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, broadcast
];

/// The one block of IPv6 that is global unicast. What lies outside is special: unspecified, loopback,
/// IPv4-mapped and -compatible, NAT64 (`64:ff9b::`), discard, unique local, link-local, multicast.
const GLOBAL_IPV6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// The special-use blocks inside it.
const SPECIAL_IPV6: [(Ipv6Addr, u32); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo, ORCHID
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4: any IPv4 address in disguise
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48), // answers for private addresses (AS112)
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),         // documentation
];

/// Whether an address is anything but a public one.
#[must_use]
pub fn is_special_use(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => SPECIAL_IPV4.iter().any(|block| is_in_ipv4(address, *block)),
        IpAddr::V6(address) => {
            !is_in_ipv6(address, GLOBAL_IPV6)
                || SPECIAL_IPV6.iter().any(|block| is_in_ipv6(address, *block))
        }
    }
}

/// Whether an address may be connected to.
pub(super) fn may_be_asked(address: IpAddr, allow_loopback: bool) -> bool {
    (allow_loopback && address.is_loopback()) || !is_special_use(address)
}

fn is_in_ipv4(address: Ipv4Addr, (first, length): (Ipv4Addr, u32)) -> bool {
    let beyond = u32::BITS.saturating_sub(length);
    (address.to_bits() ^ first.to_bits()).checked_shr(beyond) == Some(0)
}

fn is_in_ipv6(address: Ipv6Addr, (first, length): (Ipv6Addr, u32)) -> bool {
    let beyond = u128::BITS.saturating_sub(length);
    (address.to_bits() ^ first.to_bits()).checked_shr(beyond) == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::HttpsUri;

    #[test]
    fn special_addresses_are_not_public() {
        for special in [
            "0.0.0.0",
            "0.1.2.3",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.31.196.1",
            "192.52.193.1",
            "192.88.99.1",
            "192.175.48.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2620:4f:8000::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(is_special_use(special.parse().unwrap()), "{special}");
        }
    }

    #[test]
    fn public_addresses_beside_the_special_blocks_are_public() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2606:4700:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(!is_special_use(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn only_loopback_itself_can_be_allowed() {
        for (address, allowed) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", false),
            ("0.0.0.0", false),
            ("10.0.0.1", false),
            ("169.254.169.254", false),
            ("8.8.8.8", true),
        ] {
            assert_eq!(may_be_asked(address.parse().unwrap(), true), allowed, "{address}");
        }
    }

    #[test]
    fn an_address_in_disguise_is_no_uri() {
        for disguised in ["0x7f.1", "127.1", "2130706433", "0177.0.0.1", "0x7f000001", "0"] {
            let uri = format!("https://{disguised}/jwks");
            assert!(HttpsUri::parse(&uri).is_err(), "{uri}");
        }
    }
}
