//! API products, as the operator API reads and shows them.

use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

use crate::endpoints::operator::body;
use crate::endpoints::operator::body::Field;
use crate::endpoints::operator::body::Members;
use crate::endpoints::operator::schema::organisation::set;
use crate::endpoints::operator::schema::shown;
use crate::endpoints::operator::schema::successors;
use crate::partners::ApiProduct;
use crate::partners::ProductScope;
use crate::partners::State as _;
use crate::partners::Tier;
use crate::types::ResourceUri;
use crate::types::Scope;
use crate::types::Timestamp;

const LONGEST_NAME: usize = 100;
const MOST_SCOPES: usize = 100;

/// Scopes sold together.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductView {
    /// Our identifier.
    #[schema(example = "prd_4f9kz2")]
    pub id: String,
    /// What the bank calls it.
    pub name: String,
    /// The resource server that serves it (RFC 8707): the `aud` of its tokens.
    pub audience: String,
    /// What can be asked for.
    pub scopes: Vec<ProductScopeView>,
    /// Where it stands.
    #[schema(example = "published")]
    pub state: &'static str,
    /// The states that may follow.
    pub may_become: Vec<&'static str>,
    /// Whether it can be used at this moment: published, or deprecated and before its sunset.
    pub live_now: bool,
    /// When a deprecated product ends.
    #[schema(format = DateTime)]
    pub sunset: Option<String>,
    /// When it was recorded.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// One scope of a product.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductScopeView {
    /// The scope; it belongs to one product only.
    #[schema(example = "accounts:read")]
    pub scope: String,
    /// How risky it is: `T0` to `T4`.
    #[schema(example = "T2")]
    pub tier: &'static str,
    /// The longest life of a token for it, in seconds.
    pub max_token_seconds: i64,
}

impl ProductView {
    /// The product as it is at `now`.
    #[must_use]
    pub fn at(product: &ApiProduct, now: Timestamp) -> Self {
        let scope = |offered: &ProductScope| ProductScopeView {
            scope: offered.scope.to_string(),
            tier: offered.tier.name(),
            max_token_seconds: offered.max_token_seconds,
        };
        Self {
            id: product.id.to_string(),
            name: product.name.clone(),
            audience: product.audience.to_string(),
            scopes: product.scopes.iter().map(scope).collect(),
            state: product.state.name(),
            may_become: successors(product.state),
            live_now: product.is_live(now),
            sunset: product.sunset.map(shown),
            created_at: shown(product.created_at),
        }
    }
}

/// A product to record. It begins as `draft`.
#[derive(Debug, ToSchema)]
pub struct NewProduct {
    /// What the bank calls it; once.
    pub name: String,
    /// The resource server that serves it (RFC 8707): an absolute URI.
    #[schema(value_type = String, example = "https://api.bank.example/accounts")]
    pub audience: ResourceUri,
    /// What can be asked for.
    #[schema(value_type = Vec<NewProductScope>)]
    pub scopes: Vec<ProductScope>,
    /// Publish it at once; two events.
    #[schema(required = false)]
    pub publish: bool,
}

/// One scope of a product.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it only describes what `scopes` reads")]
pub struct NewProductScope {
    /// The scope; it belongs to one product only.
    scope: String,
    /// How risky it is: `T0` to `T4`.
    tier: String,
    /// The longest life of a token for it, in seconds; at most, and when absent, what its tier allows.
    #[schema(required = false)]
    max_token_seconds: i64,
}

impl NewProduct {
    /// Takes the members of a body.
    pub fn read(members: &mut Members<'_>) -> Option<Self> {
        let name = members.required("name", |field| field.text(LONGEST_NAME));
        let audience =
            members.required("audience", |field| field.read_with(|text| ResourceUri::parse(text)));
        let scopes = members.required("scopes", scopes);
        let publish = members.optional("publish", body::boolean);
        refuse_repeated(members, scopes.as_deref());
        Some(Self {
            name: name?,
            audience: audience?,
            scopes: scopes?,
            publish: publish.unwrap_or_default(),
        })
    }
}

/// What is different about a product; what is absent stays.
#[derive(Debug, ToSchema)]
pub struct ProductChange {
    /// What the bank calls it.
    pub name: Option<String>,
    /// What can be asked for; replaces all of it.
    #[schema(value_type = Option<Vec<NewProductScope>>)]
    pub scopes: Option<Vec<ProductScope>>,
    /// When it ends once it is deprecated; null removes it.
    #[schema(value_type = Option<String>)]
    pub sunset: Option<Option<Timestamp>>,
}

impl ProductChange {
    /// Takes the members of a body.
    pub fn read(members: &mut Members<'_>) -> Option<Self> {
        let name = members.optional("name", |field| field.text(LONGEST_NAME));
        let scopes = members.optional("scopes", scopes);
        let sunset = members.clearable("sunset", body::time);
        refuse_repeated(members, scopes.as_deref());
        Some(Self { name, scopes, sunset })
    }

    /// The product with these changes.
    #[must_use]
    pub fn applied_to(self, old: &ApiProduct) -> ApiProduct {
        let mut new = old.clone();
        set(&mut new.name, self.name);
        set(&mut new.scopes, self.scopes);
        set(&mut new.sunset, self.sunset);
        new
    }
}

fn scopes(field: Field<'_>) -> Option<Vec<ProductScope>> {
    field.each(MOST_SCOPES, |field| field.object(scope))
}

fn scope(members: &mut Members<'_>) -> Option<ProductScope> {
    let known = |text: &str| Tier::parse(text).ok_or("it must be `T0`, `T1`, `T2`, `T3` or `T4`");
    let scope = members.required("scope", |field| field.read_with(|text| Scope::parse(text)));
    let tier = members.required("tier", |field| field.read_with(known));
    let longest = tier.map_or(i64::MAX, Tier::longest_token_seconds);
    let seconds = members.optional("max_token_seconds", |field| field.integer(1..=longest));
    Some(ProductScope { scope: scope?, tier: tier?, max_token_seconds: seconds.unwrap_or(longest) })
}

fn refuse_repeated(members: &mut Members<'_>, scopes: Option<&[ProductScope]>) {
    let scopes = scopes.unwrap_or_default();
    let different: BTreeSet<_> = scopes.iter().map(|offered| &offered.scope).collect();
    if different.len() != scopes.len() {
        members.refuse("scopes", "a scope stands twice");
    }
}
