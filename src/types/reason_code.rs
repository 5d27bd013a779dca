//! The reason codes of a decision (GOV-PO-7). They are stable; `policy::reason` says what each means.

macro_rules! reason_codes {
    ($($variant:ident = $code:literal,)+) => {
        /// Why access is refused, referred or withheld.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each variant is its code; `policy::reason` explains it")]
        pub enum ReasonCode { $($variant,)+ }

        impl ReasonCode {
            /// Every code there is, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code as it appears in answers, rules and the audit log.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The code with this name, if there is one.
            #[must_use]
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == code)
            }
        }
    };
}

reason_codes! {
    OrganisationNotActive = "organisation_not_active",
    KybIncomplete = "kyb_incomplete",
    SanctionsMatch = "sanctions_match",
    RiskScoreAboveAppetite = "risk_score_above_appetite",
    JurisdictionNotServed = "jurisdiction_not_served",
    AgreementMissing = "agreement_missing",
    AgreementNotStarted = "agreement_not_started",
    AgreementLapsed = "agreement_lapsed",
    AgreementInNotice = "agreement_in_notice",
    ProductNotContracted = "product_not_contracted",
    ProductNotLive = "product_not_live",
    ScopeUnknown = "scope_unknown",
    SoftwareProductNotActive = "software_product_not_active",
    InvalidSoftwareStatement = "invalid_software_statement",
    StatementTooOld = "statement_too_old",
    RoleNotActive = "role_not_active",
    ScopeNotInRole = "scope_not_in_role",
    ClientAuthTooWeak = "client_auth_too_weak",
    SenderConstraintRequired = "sender_constraint_required",
    CredentialExpired = "credential_expired",
    CredentialNotActive = "credential_not_active",
    EnvironmentMismatch = "environment_mismatch",
    SecurityAttestationStale = "security_attestation_stale",
    ConditionOverdue = "condition_overdue",
    TierRequiresTwoPerson = "tier_requires_two_person",
    EntitlementNotActive = "entitlement_not_active",
    EntitlementExpired = "entitlement_expired",
    AccessReviewOverdue = "access_review_overdue",
    ClientNotActive = "client_not_active",
    ClientQuarantined = "client_quarantined",
    TtlAboveMaximum = "ttl_above_maximum",
    AdditionalReviewRequired = "additional_review_required",
    NoCompetentRule = "no_competent_rule",
    PolicyError = "policy_error",
}

impl std::fmt::Display for ReasonCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl serde::Serialize for ReasonCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for ReasonCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| serde::de::Error::custom("unknown reason code"))
    }
}
