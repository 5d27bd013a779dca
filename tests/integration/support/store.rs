//! A place to keep things, on each engine that the storage contract binds.

use std::sync::Arc;

use countersign::storage::{Database, DatabaseOptions};
use tempfile::TempDir;

use crate::support::postgres::Postgres;

/// An empty database of one engine.
pub(crate) struct Store {
    url: String,
    /// The server behind it, if it is PostgreSQL.
    pub(crate) postgres: Option<Arc<Postgres>>,
    folder: Option<TempDir>,
}

impl Store {
    /// A file that goes with this value.
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let url = format!("sqlite:{}", folder.path().join("countersign.db").display());
        Self { url, postgres: None, folder: Some(folder) }
    }

    /// A database in the PostgreSQL that tests share, if the program is there.
    pub(crate) fn postgresql() -> Option<Self> {
        Some(Self::on(Postgres::shared()?))
    }

    /// A database in that PostgreSQL.
    pub(crate) fn on(postgres: Arc<Postgres>) -> Self {
        Self { url: postgres.database(), postgres: Some(postgres), folder: None }
    }

    /// Its address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The folder of the file, if it is SQLite.
    pub(crate) fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_ref().map(TempDir::path)
    }

    /// How the tests open it.
    pub(crate) fn options(&self) -> DatabaseOptions {
        DatabaseOptions { url: self.url.clone(), readers: 2, writers: 3, queue: 256 }
    }

    /// Migrates it, if that has not been done, and opens one more handle on it.
    pub(crate) fn open(&self) -> Database {
        Database::migrate(&self.url).expect("migrations run");
        Database::open(&self.options()).expect("a migrated database opens")
    }
}

/// Makes a test for each engine out of each function that takes a [`Store`].
macro_rules! on_each_engine {
    ($($name:ident)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::support::store::Store::sqlite()).await;
            })+
        }
        mod postgresql {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(store) = $crate::support::store::Store::postgresql() {
                    super::$name(store).await;
                }
            })+
        }
    };
}
pub(crate) use on_each_engine;
