//! What all states have in common: a name, and the states that may follow.

use serde::{Deserialize, Serialize};

/// A name that is no state of this kind of record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a state of {record}; the states are {known}")]
pub struct UnknownState {
    /// The kind of record.
    pub record: &'static str,
    /// The name that was given.
    pub name: String,
    /// The names there are.
    pub known: String,
}

/// The state of a record.
pub trait State: Copy + Eq + std::fmt::Display + Sized + 'static {
    /// The kind of record, for messages.
    const RECORD: &'static str;
    /// Every state.
    const ALL: &'static [Self];

    /// The name, as stored and shown.
    fn name(self) -> &'static str;

    /// The states that may follow this one.
    fn successors(self) -> &'static [Self];

    /// Whether the record may pass from this state to `next`.
    fn may_become(self, next: Self) -> bool {
        self.successors().contains(&next)
    }

    /// Reads a name.
    ///
    /// # Errors
    ///
    /// The name is no state of this kind of record.
    fn parse(name: &str) -> Result<Self, UnknownState> {
        Self::ALL.iter().copied().find(|state| state.name() == name).ok_or_else(|| UnknownState {
            record: Self::RECORD,
            name: name.chars().take(40).flat_map(char::escape_default).collect(),
            known: Self::ALL.iter().map(|state| state.name()).collect::<Vec<_>>().join(", "),
        })
    }
}

/// Declares a state enum: its record, its variants with name and successors.
macro_rules! states {
    ($(#[$doc:meta])* $name:ident of $record:literal {
        $($(#[$variant_doc:meta])* $variant:ident = $text:literal => [$($next:ident),*],)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $crate::partners::State for $name {
            const RECORD: &'static str = $record;
            const ALL: &'static [Self] = &[$(Self::$variant,)+];
            fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
            fn successors(self) -> &'static [Self] {
                match self { $(Self::$variant => &[$(Self::$next,)*],)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str($crate::partners::State::name(*self))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($crate::partners::State::name(*self))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <String as serde::Deserialize>::deserialize(deserializer)?;
                <Self as $crate::partners::State>::parse(&name).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use states;

/// Where a server stands: rehearsal or real customers. Keys, issuers and identifiers are never
/// shared between the two (GOV-TD-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Rehearsal, with invented customers.
    Sandbox,
    /// Real customers.
    Production,
}

impl Environment {
    /// The name, as stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        }
    }

    /// The environment with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Sandbox, Self::Production].into_iter().find(|known| known.name() == name)
    }
}

impl std::fmt::Display for Environment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}
