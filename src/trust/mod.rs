//! Whose word we take: trust frameworks as data, and what their statements mean here (REG-G1 to G6).
//!
//! A registration passes this room in an order that its types demand: [`Frameworks::find`] gives the
//! framework of an unverified statement; the verified statement gives [`StatementFacts`] and
//! [`PresenterKeys`]; these make a request [`Bound`]; and only a bound request can be merged into
//! [`Merged`], which alone yields metadata.

mod binding;
#[cfg(test)]
mod binding_tests;
mod certificate;
mod claim_map;
#[cfg(test)]
mod claim_map_properties;
#[cfg(test)]
mod claim_map_tests;
mod claim_rule;
mod directory;
mod facts;
mod framework;
mod frameworks;
mod held;
mod host_pattern;
mod role_ceiling;
mod self_signed;
mod status;

pub use binding::{Bound, Presentation, bind};
pub use certificate::{CertificateProblem, CheckedCertificate};
pub use claim_map::{Merged, Replaced, merge};
pub use claim_rule::{ClaimRule, MergeMode};
pub use directory::{SHIPPED_DIRECTORY, directory_at};
pub use facts::{PresenterKeys, StatementFacts};
pub use framework::{
    AssertionAudience, AssertionTerms, Authorities, Binding, CertificateBinding, Duplicates,
    Framework, FrameworkProblem, InitialAccess, InvalidStatusList, KeySource, Listed, Management,
    ManagementMethod, OnOutage, Quotas, ReadFile, StatusDirectory, StatusList, Statuses,
    TrustEnvironment, Unlisted, Unserved, UnusedRule, UpdateBody,
};
pub use frameworks::Frameworks;
pub use host_pattern::{HostPattern, InvalidHostPattern};
