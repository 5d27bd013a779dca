//! A section of the settings: one declaration makes the type, the reader and the manual.

use std::collections::BTreeSet;

use crate::config::problem::Origin;
use crate::config::problem::Problem;
use crate::config::problem::shown;
use crate::config::value::Value;
use crate::config::written::Written;

/// One setting, as the manual shows it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Section and name, as in `server.listen`.
    pub key: &'static str,
    /// How it is written.
    pub kind: &'static str,
    /// What holds when it is not written.
    pub default: &'static str,
    /// What it does.
    pub manual: &'static str,
}

impl Setting {
    /// The variable of the environment that sets it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("COUNTERSIGN__{}", self.key.to_ascii_uppercase().replace('.', "__"))
    }
}

/// Takes what was written, key by key, and notes what is wrong.
#[derive(Debug)]
pub(super) struct Reader {
    written: Written,
    known: BTreeSet<&'static str>,
}

impl Reader {
    pub(super) const fn new(written: Written) -> Self {
        Self { written, known: BTreeSet::new() }
    }

    /// The value of a setting. A bad one is noted, and the default stands in so that the other rules
    /// can be checked as well.
    pub(super) fn take<V: Value>(&mut self, setting: &Setting) -> Option<V> {
        self.known.insert(setting.key);
        if let Some(entry) = self.written.entries.get(setting.key) {
            match V::from_toml(&entry.value) {
                Ok(value) => return Some(value),
                Err(message) => {
                    let problem = Problem::new(setting.key, entry.origin.clone(), message);
                    self.written.problems.push(problem);
                }
            }
        }
        V::from_text(setting.default)
    }

    /// Where a setting was written.
    pub(super) fn origin(&self, key: &str) -> Origin {
        self.written.entries.get(key).map_or(Origin::Default, |entry| entry.origin.clone())
    }

    /// What was wrong, unknown keys included.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let unknown = self.written.entries.iter().filter(|(key, _)| !self.known.contains(&***key));
        let strangers = unknown
            .map(|(key, entry)| Problem::new(&shown(key), entry.origin.clone(), self.hint(key)));
        self.written.problems.iter().cloned().chain(strangers).collect()
    }

    /// What might have been meant by an unknown key.
    fn hint(&self, key: &str) -> String {
        let (section, name) = key.rsplit_once('.').unwrap_or((key, ""));
        let split = |known: &'static str| known.rsplit_once('.').unwrap_or((known, ""));
        let known = || self.known.iter().copied().map(split);
        let siblings: Vec<_> =
            known().filter(|(their, _)| *their == section).map(|(_, name)| name).collect();
        if let Some((other, _)) = known().find(|(_, theirs)| *theirs == name) {
            return format!("there is no such setting; `{other}.{name}` is one");
        }
        if siblings.is_empty() {
            let sections: BTreeSet<_> = known().map(|(section, _)| section).collect();
            let sections: Vec<_> = sections.into_iter().collect();
            return format!("there is no such section; the sections are {}", sections.join(", "));
        }
        format!("there is no such setting; `{section}` has {}", siblings.join(", "))
    }
}

/// Declares a section: the doc comment of each setting is its manual.
macro_rules! section {
    ($(#[doc = $about:literal])+ $name:ident in $section:literal {
        $($(#[doc = $manual:literal])+ $field:ident: $kind:ty = $default:literal,)+
    }) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone)]
        pub struct $name { $($(#[doc = $manual])+ pub $field: $kind,)+ }

        impl $name {
            pub(super) const MANUAL: &'static [$crate::config::Setting] = &[$(
                $crate::config::Setting {
                    key: concat!($section, ".", stringify!($field)),
                    kind: <$kind as $crate::config::value::Value>::KIND,
                    default: $default,
                    manual: concat!($($manual),+),
                },
            )+];

            pub(super) fn read(reader: &mut $crate::config::section::Reader) -> Option<Self> {
                let mut settings = Self::MANUAL.iter();
                $(let $field = settings.next().and_then(|setting| reader.take::<$kind>(setting));)+
                Some(Self { $($field: $field?,)+ })
            }
        }
    };
}
pub(super) use section;
