//! The catalogue of reasons: what each code means, how hard it is, and what helps (GOV-PO-7).

use serde::Serialize;

use crate::types::ReasonCode;

/// Whether people may set a reason aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The item goes to people (GOV-EX-1).
    Soft,
    /// The item is refused.
    Hard,
}

/// What kind of thing stands in the way (GOV §8.4, `type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// Something has not been supplied.
    DataMissing,
    /// Something that was supplied is wrong.
    InvalidInput,
    /// Something must become true first.
    PendingStatus,
}

/// How much of a reason the partner learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disclosure {
    /// The code itself.
    Full,
    /// `additional_review_required` in its place, because telling more would be tipping off.
    Generic,
}

/// Who can act on a remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Whoever administers the software at the partner.
    PartnerAdmin,
    /// Whoever writes the software at the partner.
    PartnerDeveloper,
    /// The two people who made the contract.
    CommercialContact,
    /// The bank.
    Bank,
}

/// What helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Remedy {
    /// What to do; stable.
    pub code: &'static str,
    /// Who can do it.
    pub who: Who,
}

/// One entry of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// How hard the reason is. A rule may be harder than its entry, never softer.
    pub class: Class,
    /// What kind of thing stands in the way.
    pub obstacle: Obstacle,
    /// The field of the registration that it is about.
    pub pointer: &'static str,
    /// For people, without thresholds and without the text of rules.
    pub message: &'static str,
    /// What helps.
    pub remedies: &'static [Remedy],
    /// How much the partner learns.
    pub disclosure: Disclosure,
}

/// A reason as a partner sees it (GOV §8.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The code, or the one that stands in for it.
    pub code: ReasonCode,
    /// How hard it is.
    pub class: Class,
    /// What kind of thing stands in the way.
    #[serde(rename = "type")]
    pub obstacle: Obstacle,
    /// The field that it is about.
    pub pointer: &'static str,
    /// For people.
    pub message: &'static str,
    /// What helps.
    pub remedies: &'static [Remedy],
}

impl Reason {
    /// The reason for `code`, as much of it as may be told.
    #[must_use]
    pub const fn of(code: ReasonCode) -> Self {
        Self::with_class(code, explain(code).class)
    }

    /// The same, where a rule is harder than the catalogue.
    #[must_use]
    pub const fn with_class(code: ReasonCode, class: Class) -> Self {
        let code = disclosed(code);
        let Explanation { obstacle, pointer, message, remedies, .. } = explain(code);
        Self { code, class, obstacle, pointer, message, remedies }
    }
}

/// The code that may be told in place of `code`: itself, unless the law on tipping off forbids it.
#[must_use]
pub const fn disclosed(code: ReasonCode) -> ReasonCode {
    match explain(code).disclosure {
        Disclosure::Full => code,
        Disclosure::Generic => ReasonCode::AdditionalReviewRequired,
    }
}

const SCOPE: &str = "/scope";
const STATEMENT: &str = "/software_statement";
const AUTH_METHOD: &str = "/token_endpoint_auth_method";

const fn entry(
    class: Class,
    obstacle: Obstacle,
    message: &'static str,
    remedies: &'static [Remedy],
) -> Explanation {
    Explanation { class, obstacle, pointer: SCOPE, message, remedies, disclosure: Disclosure::Full }
}

impl Explanation {
    const fn at(self, pointer: &'static str) -> Self {
        Self { pointer, ..self }
    }

    const fn generic(self) -> Self {
        Self { disclosure: Disclosure::Generic, ..self }
    }
}

macro_rules! catalogue {
    ($($code:ident: $class:ident, $obstacle:ident, $message:literal,
       [$($remedy:literal by $who:ident),+] $(.$how:ident($($argument:expr)?))*;)+) => {
        /// What `code` means.
        #[must_use]
        pub const fn explain(code: ReasonCode) -> Explanation {
            match code {
                $(ReasonCode::$code => entry(
                    Class::$class,
                    Obstacle::$obstacle,
                    $message,
                    &[$(Remedy { code: $remedy, who: Who::$who }),+],
                )$(.$how($($argument)?))*,)+
            }
        }
    };
}

catalogue! {
    OrganisationNotActive: Hard, PendingStatus, "Your organisation does not take part at present.",
        ["complete_onboarding" by PartnerAdmin, "ask_for_reinstatement" by CommercialContact];
    KybIncomplete: Hard, PendingStatus, "The checks on your organisation are not complete.",
        ["complete_onboarding" by PartnerAdmin];
    SanctionsMatch: Hard, PendingStatus, "Your organisation cannot be served.",
        ["wait_for_review" by Bank].generic();
    RiskScoreAboveAppetite: Soft, PendingStatus, "This access needs a look by the bank.",
        ["wait_for_review" by Bank];
    JurisdictionNotServed: Hard, PendingStatus, "Organisations of your country are not served.",
        ["ask_for_extension" by CommercialContact];
    AgreementMissing: Hard, DataMissing, "Your organisation has no agreement for this API product.",
        ["sign_agreement" by CommercialContact];
    AgreementNotStarted: Hard, PendingStatus, "Your agreement for this API product has not started.",
        ["wait_for_start" by CommercialContact];
    AgreementLapsed: Hard, PendingStatus, "Your agreement for this API product has ended.",
        ["renew_agreement" by CommercialContact];
    AgreementInNotice: Hard, PendingStatus,
        "Your agreement for this API product is ending, so nothing new is registered under it.",
        ["renew_agreement" by CommercialContact];
    ProductNotContracted: Hard, PendingStatus,
        "Your agreement does not include this API product in this environment.",
        ["extend_agreement" by CommercialContact];
    ProductNotLive: Hard, PendingStatus, "The API product with this scope is no longer offered.",
        ["choose_another_scope" by PartnerDeveloper];
    ScopeUnknown: Hard, InvalidInput, "No API product offers this scope.",
        ["correct_the_scope" by PartnerDeveloper];
    SoftwareProductNotActive: Hard, PendingStatus, "This software product is not active.",
        ["activate_software" by PartnerAdmin];
    InvalidSoftwareStatement: Hard, InvalidInput,
        "The software statement is not acceptable: not verified, used before, too old, or dated in the future.",
        ["present_a_fresh_statement" by PartnerDeveloper].at(STATEMENT);
    StatementTooOld: Hard, InvalidInput, "The software statement is too old.",
        ["present_a_fresh_statement" by PartnerDeveloper].at(STATEMENT);
    RoleNotActive: Hard, PendingStatus, "The regulatory role that this access needs is not active.",
        ["activate_role" by PartnerAdmin].at(STATEMENT);
    ScopeNotInRole: Hard, InvalidInput, "The roles in the software statement do not allow this scope.",
        ["obtain_role" by PartnerAdmin, "correct_the_scope" by PartnerDeveloper];
    ClientAuthTooWeak: Hard, InvalidInput,
        "Clients authenticate with a private key: `private_key_jwt`, `tls_client_auth` or `self_signed_tls_client_auth`.",
        ["use_a_private_key" by PartnerDeveloper].at(AUTH_METHOD);
    SenderConstraintRequired: Soft, DataMissing,
        "Tokens for this scope must be bound to a key, by mutual TLS or DPoP.",
        ["bind_tokens" by PartnerDeveloper];
    CredentialExpired: Hard, InvalidInput, "The key has expired.",
        ["rotate_key" by PartnerDeveloper];
    CredentialNotActive: Hard, InvalidInput, "The key may not be used.",
        ["rotate_key" by PartnerDeveloper];
    EnvironmentMismatch: Hard, InvalidInput,
        "The software statement was issued for another environment.",
        ["use_a_statement_for_this_environment" by PartnerDeveloper].at(STATEMENT);
    SecurityAttestationStale: Soft, DataMissing,
        "This scope needs a current security attestation of your organisation.",
        ["upload_attestation" by PartnerAdmin];
    ConditionOverdue: Hard, PendingStatus, "A condition of an earlier decision is overdue.",
        ["meet_the_condition" by PartnerAdmin];
    TierRequiresTwoPerson: Soft, PendingStatus, "Two people at the bank decide about this scope.",
        ["wait_for_review" by Bank];
    EntitlementNotActive: Hard, PendingStatus, "This client has not been granted this scope.",
        ["register_for_the_scope" by PartnerDeveloper];
    EntitlementExpired: Hard, PendingStatus, "The grant of this scope has expired.",
        ["register_for_the_scope" by PartnerDeveloper];
    AccessReviewOverdue: Hard, PendingStatus, "The grant of this scope has not been reviewed in time.",
        ["attest_the_access" by PartnerAdmin];
    ClientNotActive: Hard, PendingStatus, "This client is not active.",
        ["ask_for_reinstatement" by PartnerAdmin];
    ClientQuarantined: Hard, PendingStatus, "This client is quarantined and may use public data only.",
        ["answer_the_security_contact" by PartnerAdmin];
    TtlAboveMaximum: Hard, InvalidInput, "The token would live longer than this scope allows.",
        ["ask_for_less_time" by PartnerDeveloper];
    AdditionalReviewRequired: Hard, PendingStatus, "This needs an additional review.",
        ["wait_for_review" by Bank];
    NoCompetentRule: Soft, PendingStatus, "No rule settles this; people at the bank will.",
        ["wait_for_review" by Bank];
    PolicyError: Hard, PendingStatus, "The decision could not be made. The bank has been told.",
        ["try_again_later" by Bank];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_message_and_a_remedy() {
        for code in ReasonCode::ALL.iter().copied() {
            let entry = explain(code);
            assert!(entry.message.ends_with('.'), "{code}");
            assert!(!entry.remedies.is_empty(), "{code}");
            assert!(entry.pointer.starts_with('/'), "{code}");
            assert!(entry.remedies.iter().all(|remedy| !remedy.code.contains(' ')), "{code}");
        }
    }

    #[test]
    fn a_message_shows_no_threshold() {
        for code in ReasonCode::ALL.iter().copied() {
            assert!(!explain(code).message.chars().any(|c| c.is_ascii_digit()), "{code}");
        }
    }

    #[test]
    fn a_sanctions_match_is_never_told() {
        let told = Reason::of(ReasonCode::SanctionsMatch);
        assert_eq!(told, Reason::of(ReasonCode::AdditionalReviewRequired));
        for code in ReasonCode::ALL.iter().copied() {
            let text = serde_json::to_string(&Reason::of(code)).unwrap();
            assert!(!text.contains("sanction"), "{text}");
        }
    }

    #[test]
    fn a_reason_is_written_as_the_refusal_body_has_it() {
        assert_eq!(
            serde_json::to_value(Reason::of(ReasonCode::ProductNotContracted)).unwrap(),
            serde_json::json!({
                "code": "product_not_contracted", "class": "hard", "type": "pending_status",
                "pointer": "/scope",
                "message": "Your agreement does not include this API product in this environment.",
                "remedies": [{"code": "extend_agreement", "who": "commercial_contact"}],
            })
        );
    }
}
