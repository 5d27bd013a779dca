//! Authorities and certificates for tests: good ones, and ones that are wrong in one way.

use std::time::Duration;

use countersign::types::Timestamp;
use countersign::x509::{Anchors, Certificate, PresentedCertificates};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber,
};

use crate::support::samples as sample;

/// rcgen does not pass on the name of the type of its instants.
macro_rules! time {
    ($at:expr) => {
        rcgen::date_time_ymd(1970, 1, 1).saturating_add(
            Duration::from_secs(u64::try_from($at.epoch()).unwrap()).try_into().unwrap(),
        )
    };
}

const DAY: i64 = 86_400;
/// Attributes of a name beside those that rcgen knows.
pub(crate) const UID: &str = "0.9.2342.19200300.100.1.1";
/// What eIDAS and Brazil name an organisation by.
pub(crate) const ORGANISATION_IDENTIFIER: &str = "2.5.4.97";

/// A certificate and its key.
pub(crate) struct Issued {
    /// DER.
    pub(crate) der: Vec<u8>,
    /// PEM.
    pub(crate) pem: String,
    /// Its private key.
    pub(crate) key: KeyPair,
}

impl Issued {
    /// The certificate as the server reads it.
    pub(crate) fn certificate(&self) -> Certificate {
        Certificate::from_der(&self.der).unwrap()
    }

    /// It alone, as a client presents it.
    pub(crate) fn presented(&self) -> PresentedCertificates {
        self.presented_with(&[])
    }

    /// It and those that lead to its authority.
    pub(crate) fn presented_with(&self, above: &[&Authority]) -> PresentedCertificates {
        let above = above.iter().map(|authority| authority.der.clone());
        PresentedCertificates::from_ders([self.der.clone()].into_iter().chain(above).collect())
            .unwrap()
    }
}

/// What is to stand in a certificate.
pub(crate) struct Wanted {
    params: CertificateParams,
    key: KeyPair,
}

impl Wanted {
    /// A client's certificate, valid from yesterday for ninety days, with this `CN`.
    pub(crate) fn client(common_name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let wanted = Self { params, key: KeyPair::generate().unwrap() };
        wanted.valid(sample::at(-DAY), sample::at(90 * DAY))
    }

    /// For this key.
    pub(crate) fn with_key(self, key: KeyPair) -> Self {
        Self { key, ..self }
    }

    /// One more attribute of its name, by its OID.
    pub(crate) fn attribute(self, oid: &str, value: impl Into<DnValue>) -> Self {
        let oid = oid.split('.').map(|arc| arc.parse().unwrap()).collect();
        self.with(|params| params.distinguished_name.push(DnType::CustomDnType(oid), value))
    }

    /// One more alternative name.
    pub(crate) fn alternative_name(self, name: SanType) -> Self {
        self.with(|params| params.subject_alt_names.push(name))
    }

    /// Another validity.
    pub(crate) fn valid(self, from: Timestamp, until: Timestamp) -> Self {
        self.with(|params| {
            params.not_before = time!(from);
            params.not_after = time!(until);
        })
    }

    /// Other purposes.
    pub(crate) fn purposes(self, purposes: &[ExtendedKeyUsagePurpose]) -> Self {
        self.with(|params| params.extended_key_usages = purposes.to_vec())
    }

    /// This serial number.
    pub(crate) fn serial(self, serial: u64) -> Self {
        self.with(|params| params.serial_number = Some(SerialNumber::from(serial)))
    }

    /// Whatever else is to be different.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut CertificateParams)) -> Self {
        change(&mut self.params);
        self
    }

    /// Signed by its own key.
    pub(crate) fn self_signed(self) -> Issued {
        let made = self.params.self_signed(&self.key).unwrap();
        Issued { der: made.der().to_vec(), pem: made.pem(), key: self.key }
    }
}

/// Who signs certificates.
pub(crate) struct Authority {
    /// Its own certificate, DER.
    pub(crate) der: Vec<u8>,
    /// Its own certificate, PEM.
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// An authority that answers for itself.
    pub(crate) fn root(name: &str) -> Self {
        Self::root_with(name, |_| {})
    }

    /// The same, which is different in some way.
    pub(crate) fn root_with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let Wanted { params, key } = authority(name).with(change);
        let made = params.self_signed(&key).unwrap();
        Self { der: made.der().to_vec(), pem: made.pem(), issuer: Issuer::new(params, key) }
    }

    /// An authority below this one.
    pub(crate) fn subordinate(&self, name: &str) -> Self {
        self.subordinate_with(name, |_| {})
    }

    /// An authority below this one that is different in some way.
    pub(crate) fn subordinate_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let Wanted { params, key } = authority(name).with(change);
        let made = params.signed_by(&key, &self.issuer).unwrap();
        Self { der: made.der().to_vec(), pem: made.pem(), issuer: Issuer::new(params, key) }
    }

    /// Signs a certificate.
    pub(crate) fn issue(&self, wanted: Wanted) -> Issued {
        let made = wanted.params.signed_by(&wanted.key, &self.issuer).unwrap();
        Issued { der: made.der().to_vec(), pem: made.pem(), key: wanted.key }
    }

    /// This authority alone, as a framework trusts it.
    pub(crate) fn anchors(&self) -> Anchors {
        Anchors::parse_pem(&self.pem).unwrap()
    }

    /// A list of revoked serial numbers that is good for a day, PEM.
    pub(crate) fn revocation_list(&self, serials: &[u64]) -> String {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: time!(sample::at(-60)),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: time!(sample::at(-3600)),
            next_update: time!(sample::at(DAY)),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

fn authority(name: &str) -> Wanted {
    Wanted::client(name).with(|params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.extended_key_usages = Vec::new();
    })
}
