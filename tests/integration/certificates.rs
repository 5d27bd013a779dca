//! RFC 5280 as the room `x509` reads it: what a certificate says, whom it leads to, and how every
//! hostile one is refused.

use countersign::types::InvalidDistinguishedName as InvalidName;
use countersign::x509::{
    Anchors, Certificate, InvalidAnchors, InvalidCertificate, InvalidChain, InvalidRevocationLists,
    PresentedCertificates, RevocationLists, Usage,
};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CustomExtension, DnValue, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    KeyUsagePurpose, NameConstraints, SanType,
};

use crate::support::pki::{Authority, Issued, ORGANISATION_IDENTIFIER, UID, Wanted};
use crate::support::samples as sample;

const DAY: i64 = 86_400;
const BASIC_CONSTRAINTS: &[u64] = &[2, 5, 29, 19];

fn ascii(text: &str) -> Ia5String {
    Ia5String::try_from(text).unwrap()
}

fn verified(
    authority: &Authority,
    presented: &PresentedCertificates,
    usage: Usage,
) -> Result<(), InvalidChain> {
    authority.anchors().verify(presented, &RevocationLists::default(), usage, sample::now())
}

fn as_client(authority: &Authority, issued: &Issued) -> Result<(), InvalidChain> {
    verified(authority, &issued.presented(), Usage::ClientAuthentication)
}

#[test]
fn a_certificate_is_read_whole() {
    let authority = Authority::root("root");
    let issued = authority.issue(
        Wanted::client("Banco Exemplo")
            .attribute(ORGANISATION_IDENTIFIER, "OFBBR-1")
            .attribute(UID, "software-1")
            .alternative_name(SanType::DnsName(ascii("a.example")))
            .alternative_name(SanType::DnsName(ascii("B.example")))
            .alternative_name(SanType::URI(ascii("https://a.example/x")))
            .alternative_name(SanType::URI(ascii("urn:a")))
            .alternative_name(SanType::IpAddress("192.0.2.1".parse().unwrap()))
            .alternative_name(SanType::IpAddress("2001:db8::1".parse().unwrap()))
            .alternative_name(SanType::Rfc822Name(ascii("ops@a.example"))),
    );
    let read = issued.certificate();
    assert_eq!(
        read.subject().to_string(),
        "UID=software-1,2.5.4.97=#0c074f464242522d31,CN=Banco Exemplo"
    );
    assert_eq!(read.issuer().to_string(), "CN=root");
    assert_eq!(read.dns_names(), ["a.example", "B.example"]);
    assert_eq!(read.uris(), ["https://a.example/x", "urn:a"]);
    assert_eq!(read.ip_addresses(), ["192.0.2.1", "2001:db8::1"]);
    assert_eq!(read.emails(), ["ops@a.example"]);
    assert_eq!(read.not_before(), sample::at(-DAY));
    assert_eq!(read.not_after(), sample::at(90 * DAY));
    assert_eq!(read.der(), issued.der);
    assert!(issued.pem.starts_with("-----BEGIN CERTIFICATE-----"));
    assert_eq!(read.public_key_der(), rcgen::PublicKeyData::subject_public_key_info(&issued.key));
    assert_eq!(as_client(&authority, &issued), Ok(()));
    assert!(!format!("{read:?}").contains("der"));
}

#[test]
fn an_authority_that_is_not_ours_is_refused() {
    let (ours, another) = (Authority::root("ours"), Authority::root("another"));
    let issued = another.issue(Wanted::client("a"));
    assert_eq!(as_client(&ours, &issued), Err(InvalidChain::UnknownIssuer));
    let chained = issued.presented_with(&[&another]);
    let told = verified(&ours, &chained, Usage::ClientAuthentication);
    assert_eq!(told, Err(InvalidChain::UnknownIssuer));
    let alone = Wanted::client("a").self_signed();
    assert_eq!(as_client(&ours, &alone), Err(InvalidChain::UnknownIssuer));
}

/// REG-T11: the same subject, issuer, serial number, validity and extensions, but another authority's
/// signature.
#[test]
fn a_copied_certificate_of_a_fake_authority_is_refused() {
    let (ours, fake) = (Authority::root("root"), Authority::root("root"));
    let wanted = || Wanted::client("a").attribute(UID, "software-1").serial(7);
    let (genuine, copied) = (ours.issue(wanted()), fake.issue(wanted()));
    let (read, reread) = (genuine.certificate(), copied.certificate());
    assert!(read.subject().matches(reread.subject()) && read.issuer().matches(reread.issuer()));
    assert_eq!(as_client(&ours, &genuine), Ok(()));
    assert_eq!(as_client(&ours, &copied), Err(InvalidChain::WrongSignature));
    let chained = copied.presented_with(&[&fake]);
    let told = verified(&ours, &chained, Usage::ClientAuthentication);
    assert_eq!(told, Err(InvalidChain::WrongSignature));
}

#[test]
fn a_chain_is_followed_through_intermediates_in_any_order() {
    let root = Authority::root("root");
    let middle = root.subordinate("middle");
    let issuing = middle.subordinate("issuing");
    let issued = issuing.issue(Wanted::client("a"));
    for above in [[&middle, &issuing], [&issuing, &middle]] {
        let presented = issued.presented_with(&above);
        assert_eq!(verified(&root, &presented, Usage::ClientAuthentication), Ok(()));
    }
    let gap = issued.presented_with(&[&middle]);
    let told = verified(&root, &gap, Usage::ClientAuthentication);
    assert_eq!(told, Err(InvalidChain::UnknownIssuer));
    let with_rubbish = PresentedCertificates::from_ders(vec![
        issued.der,
        issuing.der,
        middle.der,
        b"rubbish".to_vec(),
    ]);
    assert_eq!(verified(&root, &with_rubbish.unwrap(), Usage::ClientAuthentication), Ok(()));
}

#[test]
fn a_certificate_counts_only_while_it_is_valid() {
    let root = Authority::root("root");
    let issue = |from: i64, until: i64| {
        root.issue(Wanted::client("a").valid(sample::at(from), sample::at(until)))
    };
    for (from, until, expected) in [
        (-2, -1, Err(InvalidChain::Expired)),
        (-1, 0, Ok(())),
        (0, 1, Ok(())),
        (1, 2, Err(InvalidChain::NotYetValid)),
    ] {
        assert_eq!(as_client(&root, &issue(from, until)), expected, "{from} {until}");
    }
    let ended = root.subordinate_with("ended", |params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
    });
    let below = ended.issue(Wanted::client("a")).presented_with(&[&ended]);
    assert_eq!(verified(&root, &below, Usage::Any), Err(InvalidChain::Expired));
}

#[test]
fn a_certificate_counts_only_for_its_use() {
    let root = Authority::root("root");
    let told = |purposes: &[ExtendedKeyUsagePurpose], usage| {
        let issued = root.issue(Wanted::client("a").purposes(purposes));
        verified(&root, &issued.presented(), usage)
    };
    let server = [ExtendedKeyUsagePurpose::ServerAuth];
    let both = [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    assert_eq!(told(&server, Usage::ClientAuthentication), Err(InvalidChain::WrongUsage));
    assert_eq!(told(&server, Usage::Any), Ok(()));
    assert_eq!(told(&both, Usage::ClientAuthentication), Ok(()));
    assert_eq!(told(&[], Usage::ClientAuthentication), Ok(()), "RFC 5280 §4.2.1.12: no limit");
    let only = |usages: Vec<KeyUsagePurpose>| {
        let wanted = Wanted::client("a").with(|params| params.key_usages = usages);
        as_client(&root, &root.issue(wanted))
    };
    assert_eq!(only(vec![KeyUsagePurpose::KeyAgreement]), Err(InvalidChain::WrongUsage));
    assert_eq!(only(vec![]), Ok(()));
    let narrow = root.subordinate_with("narrow", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let below = narrow.issue(Wanted::client("a")).presented_with(&[&narrow]);
    let told = verified(&root, &below, Usage::ClientAuthentication);
    assert_eq!(told, Err(InvalidChain::WrongUsage));
}

#[test]
fn only_an_authority_issues_and_only_within_its_bounds() {
    let root = Authority::root("root");
    let nobody = root.subordinate_with("nobody", |params| params.is_ca = IsCa::ExplicitNoCa);
    let below = nobody.issue(Wanted::client("a")).presented_with(&[&nobody]);
    assert_eq!(verified(&root, &below, Usage::Any), Err(InvalidChain::NotAnAuthority));
    let itself = root.issue(Wanted::client("a").with(|params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }));
    assert_eq!(as_client(&root, &itself), Err(InvalidChain::NotAnAuthority));
    let last = root.subordinate_with("last", |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    });
    let deeper = last.subordinate("deeper");
    let below = deeper.issue(Wanted::client("a")).presented_with(&[&deeper, &last]);
    assert_eq!(verified(&root, &below, Usage::Any), Err(InvalidChain::Constraints));
    let named = root.subordinate_with("named", |params| {
        let permitted_subtrees = vec![GeneralSubtree::DnsName("a.example".to_owned())];
        let constraints = NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() };
        params.name_constraints = Some(constraints);
    });
    for (name, expected) in [("x.a.example", Ok(())), ("b.example", Err(InvalidChain::Constraints))]
    {
        let wanted = Wanted::client("a").alternative_name(SanType::DnsName(ascii(name)));
        let below = named.issue(wanted).presented_with(&[&named]);
        assert_eq!(verified(&root, &below, Usage::Any), expected, "{name}");
    }
}

#[test]
fn a_revoked_certificate_is_refused_and_a_missing_list_refuses_too() {
    let root = Authority::root("root");
    let issuing = root.subordinate_with("issuing", |params| {
        params.serial_number = Some(rcgen::SerialNumber::from(99));
    });
    let issued = |serial| issuing.issue(Wanted::client("a").serial(serial));
    let told = |serial: u64, lists: &[String], seconds| {
        let lists = RevocationLists::parse_pem(&lists.concat()).unwrap();
        let presented = issued(serial).presented_with(&[&issuing]);
        let now = sample::at(seconds);
        root.anchors().verify(&presented, &lists, Usage::ClientAuthentication, now)
    };
    let clean = root.revocation_list(&[]);
    let lists = [clean.clone(), issuing.revocation_list(&[7])];
    assert_eq!(told(7, &lists, 0), Err(InvalidChain::Revoked));
    assert_eq!(told(8, &lists, 0), Ok(()));
    assert_eq!(told(8, &lists, 2 * DAY), Err(InvalidChain::UnusableRevocationList));
    assert_eq!(told(8, &[clean], 0), Err(InvalidChain::UnknownRevocation));
    let above = [root.revocation_list(&[99]), issuing.revocation_list(&[])];
    assert_eq!(told(8, &above, 0), Err(InvalidChain::Revoked));
    let forged = [root.revocation_list(&[]), Authority::root("issuing").revocation_list(&[])];
    assert_eq!(told(8, &forged, 0), Err(InvalidChain::UnusableRevocationList));
}

#[test]
fn a_name_with_a_nul_or_another_control_character_is_refused() {
    for evil in ["a\0.example", "a\n.example", "a\u{7f}"] {
        let named = Wanted::client("a").attribute(UID, evil).self_signed();
        assert_eq!(
            Certificate::from_der(&named.der),
            Err(InvalidCertificate::Subject(InvalidName::ControlCharacter))
        );
        for name in [
            SanType::DnsName(ascii(evil)),
            SanType::URI(ascii(evil)),
            SanType::Rfc822Name(ascii(evil)),
        ] {
            let named = Wanted::client("a").alternative_name(name).self_signed();
            let told = Certificate::from_der(&named.der);
            assert_eq!(told, Err(InvalidCertificate::AlternativeName));
        }
    }
    let issuer = Authority::root("root\0").issue(Wanted::client("a"));
    assert_eq!(
        Certificate::from_der(&issuer.der),
        Err(InvalidCertificate::Issuer(InvalidName::ControlCharacter))
    );
    let printable = rcgen::string::PrintableString::try_from("BR").unwrap();
    let named = Wanted::client("a").attribute("2.5.4.6", DnValue::PrintableString(printable));
    assert_eq!(named.self_signed().certificate().subject().values("C"), ["BR"]);
}

#[test]
fn a_name_of_ten_kilobytes_is_refused() {
    let named = Wanted::client("a").attribute(UID, "x".repeat(10_240));
    let named = Authority::root("root").issue(named);
    assert_eq!(
        Certificate::from_der(&named.der),
        Err(InvalidCertificate::Subject(InvalidName::TooLong))
    );
}

#[test]
fn an_alternative_name_that_is_malformed_is_refused() {
    let with = |content: &[u8]| {
        let wanted = Wanted::client("a").with(|params| {
            let san = CustomExtension::from_oid_content(&[2, 5, 29, 17], content.to_vec());
            params.custom_extensions.push(san);
        });
        Certificate::from_der(&wanted.self_signed().der)
    };
    for (what, content) in [
        ("an address of three octets", b"\x30\x05\x87\x03\x01\x02\x03".as_slice()),
        ("a name outside ASCII", b"\x30\x04\x82\x02\xc3\xa9"),
        ("a name that is not even UTF-8", b"\x30\x03\x82\x01\xff"),
        ("an empty name", b"\x30\x02\x82\x00"),
    ] {
        assert_eq!(with(content), Err(InvalidCertificate::AlternativeName), "{what}");
    }
    assert!(with(b"\x04\x00").is_err());
}

#[test]
fn an_extension_that_is_critical_and_unknown_or_stands_twice_is_refused() {
    let with = |extensions: Vec<CustomExtension>| {
        let wanted = Wanted::client("a").with(|params| params.custom_extensions = extensions);
        Certificate::from_der(&wanted.self_signed().der).map(|_| ())
    };
    let unknown = || CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
    let mut critical = unknown();
    critical.set_criticality(true);
    let constraints = CustomExtension::from_oid_content(BASIC_CONSTRAINTS, vec![0x30, 0]);
    assert_eq!(with(vec![unknown()]), Ok(()));
    assert_eq!(with(vec![critical]), Err(InvalidCertificate::CriticalExtension));
    assert_eq!(with(vec![unknown(), unknown()]), Err(InvalidCertificate::RepeatedExtension));
    assert_eq!(with(vec![constraints]), Err(InvalidCertificate::RepeatedExtension));
}

#[test]
fn bytes_that_are_no_certificate_are_refused() {
    use InvalidCertificate as Invalid;
    let der = Wanted::client("a").self_signed().der;
    let followed = [der.as_slice(), b"\0"].concat();
    assert_eq!(Certificate::from_der(&followed), Err(Invalid::TrailingData));
    let twice = [der.as_slice(), der.as_slice()].concat();
    assert_eq!(Certificate::from_der(&twice), Err(Invalid::TrailingData));
    for bad in [b"".as_slice(), b"rubbish", &[0x30, 0x80, 0, 0], &[0xff; 100]] {
        assert_eq!(Certificate::from_der(bad), Err(Invalid::Malformed));
    }
    let padded = [der.as_slice(), &vec![0; 16 * 1024]].concat();
    assert_eq!(Certificate::from_der(&padded), Err(Invalid::TooLarge));
    let reversed = Wanted::client("a").valid(sample::at(1), sample::at(0)).self_signed();
    assert_eq!(Certificate::from_der(&reversed.der), Err(Invalid::Validity));
    for end in 0..der.len() {
        assert!(Certificate::from_der(&der[..end]).is_err(), "{end}");
    }
}

/// Whatever one changed octet does, it does not make the readers panic or disagree.
#[test]
fn a_certificate_with_a_changed_octet_is_read_or_refused_and_never_believed() {
    let root = Authority::root("root");
    let der = root.issue(Wanted::client("a")).der;
    let mut verdicts = (0, 0);
    for place in 0..der.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = der.clone();
            changed[place] ^= change;
            match PresentedCertificates::from_ders(vec![changed]) {
                Err(_) => verdicts.0 += 1,
                Ok(read) => {
                    verdicts.1 += 1;
                    assert!(verified(&root, &read, Usage::Any).is_err(), "{place} {change:#x}");
                }
            }
        }
    }
    assert!(verdicts.0 > 0 && verdicts.1 > 0, "{verdicts:?}");
}

#[test]
fn no_more_certificates_are_read_than_a_chain_needs() {
    let der = Wanted::client("a").self_signed().der;
    let read = |ders| PresentedCertificates::from_ders(ders).map(|_| ());
    assert_eq!(read(Vec::new()), Err(InvalidCertificate::Missing));
    assert_eq!(read(vec![der.clone(); 10]), Ok(()));
    assert_eq!(read(vec![der.clone(); 11]), Err(InvalidCertificate::TooMany));
    assert_eq!(read(vec![der.clone(); 10_000]), Err(InvalidCertificate::TooMany));
    let large = vec![0; 16 * 1024 + 1];
    assert_eq!(read(vec![der, large]), Err(InvalidCertificate::TooLarge));
}

/// Nine authorities with one name and one key to each: every path is tried within bounds.
#[test]
fn a_tangled_chain_ends_in_bounded_time() {
    let ours = Authority::root("ours");
    let tangle: Vec<Authority> = (0..9).map(|_| Authority::root("tangle")).collect();
    let issued = tangle[0].issue(Wanted::client("a"));
    let presented = issued.presented_with(&tangle.iter().collect::<Vec<_>>());
    let told = verified(&ours, &presented, Usage::Any);
    assert!(
        matches!(
            told,
            Err(InvalidChain::TooComplex
                | InvalidChain::UnknownIssuer
                | InvalidChain::WrongSignature)
        ),
        "{told:?}"
    );
}

#[test]
fn authorities_and_lists_are_read_from_pem() {
    let (one, two) = (Authority::root("one"), Authority::root("two"));
    let bundle = format!("{}# a comment\n{}", one.pem, two.pem);
    let anchors = Anchors::parse_pem(&bundle).unwrap();
    assert_eq!(anchors.len(), 2);
    let presented = two.issue(Wanted::client("a")).presented();
    let none = RevocationLists::default();
    assert!(none.is_empty());
    assert_eq!(anchors.verify(&presented, &none, Usage::Any, sample::now()), Ok(()));
    let invalid = |pem: &str| Anchors::parse_pem(pem).unwrap_err();
    assert_eq!(invalid(""), InvalidAnchors::NoCertificate);
    assert_eq!(invalid("-----BEGIN CERTIFICATE-----\n%"), InvalidAnchors::NoCertificate);
    assert_eq!(invalid(&presented_key(&two)), InvalidAnchors::NoCertificate);
    assert_eq!(invalid(&one.pem.repeat(1001)), InvalidAnchors::TooMany);
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(invalid(&format!("{}{broken}", one.pem)), InvalidAnchors::NotAnAuthority(2));
    let list = one.revocation_list(&[1]);
    assert!(!RevocationLists::parse_pem(&list).unwrap().is_empty());
    let invalid = |pem: &str| RevocationLists::parse_pem(pem).unwrap_err();
    assert_eq!(invalid(&one.pem), InvalidRevocationLists::NoList);
    assert_eq!(invalid(&list.repeat(1001)), InvalidRevocationLists::TooMany);
    let broken = broken.replace("CERTIFICATE", "X509 CRL");
    assert_eq!(invalid(&broken), InvalidRevocationLists::NotUnderstood(1));
}

fn presented_key(authority: &Authority) -> String {
    authority.issue(Wanted::client("a")).key.serialize_pem()
}
