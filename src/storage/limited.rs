//! Queries with a fixed limit that stay prepared.
//!
//! diesel binds the number of `.limit(…)` and `.first(…)`. SQLite looks at that number when it plans,
//! and so it plans anew each time the statement is bound. On the way of a request a record is looked
//! up by its key with `.get_result(…)`, which needs no limit, and a list carries one in its text.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

use crate::storage::connection::{AnyConnection, MultiBackend};
use crate::storage::reader::Page;

/// A query whose text ends in its limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limited<Q, const MOST: u16>(Q);

/// Adds a limit to any query that has none yet.
pub(super) trait Limit: Sized {
    /// At most one row.
    fn only_first(self) -> Limited<Self, 1> {
        Limited(self)
    }

    /// At most as many rows as the largest page has.
    fn bounded(self) -> Limited<Self, { Page::LARGEST }> {
        Limited(self)
    }
}

impl<Q: Query> Limit for Q {}

impl<Q: Query, const MOST: u16> Query for Limited<Q, MOST> {
    type SqlType = Q::SqlType;
}

impl<Q: QueryId, const MOST: u16> QueryId for Limited<Q, MOST> {
    type QueryId = Limited<Q::QueryId, MOST>;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}

impl<Q: QueryFragment<MultiBackend>, const MOST: u16> QueryFragment<MultiBackend>
    for Limited<Q, MOST>
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(&format!(" LIMIT {MOST}"));
        Ok(())
    }
}

impl<Q, const MOST: u16> RunQueryDsl<AnyConnection> for Limited<Q, MOST> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::connection::{Purpose, Target};
    use crate::storage::schema::change_sequence;

    #[test]
    fn a_limit_in_the_text_bounds_the_rows_as_a_bound_one_does() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("limited.sqlite");
        let target = Target::parse(&format!("sqlite:{}", file.display())).unwrap();
        let mut connection = target.connect(Purpose::Migrate).unwrap();
        let make = "CREATE TABLE change_sequence (id BIGINT PRIMARY KEY, value BIGINT NOT NULL)";
        diesel::sql_query(make).execute(&mut connection).unwrap();
        let rows = "INSERT INTO change_sequence VALUES (1, 10), (2, 20), (3, 30)";
        diesel::sql_query(rows).execute(&mut connection).unwrap();
        let all =
            || change_sequence::table.order(change_sequence::id).select(change_sequence::value);
        let first: i64 = all().only_first().get_result(&mut connection).unwrap();
        assert_eq!(first, 10);
        let found: Vec<i64> = all().only_first().load(&mut connection).unwrap();
        assert_eq!(found, [10]);
        let found: Vec<i64> = all().bounded().load(&mut connection).unwrap();
        assert_eq!(found, [10, 20, 30]);
    }
}
