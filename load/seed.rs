//! Fills a database with copies of one registration, by the database itself: a million in a minute.
//!
//! Columns are asked of the database, so that a migration does not break the load test. Each copy is
//! a software product, a client, its credentials, entitlements, decision and audit event, under names
//! of its own.

use std::fmt::Write as _;
use std::ops::Range;

use diesel::Connection as _;
use diesel::QueryableByName;
use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;

/// How many characters of a name the number takes.
const DIGITS: usize = 8;
/// How many clients one transaction makes.
const PART: usize = 100_000;

/// What is copied: the table, which rows belong to the client `'{id}'`, and which of their columns are
/// names of their own in each copy.
const TABLES: [(&str, &str, &[&str]); 6] = [
    (
        "software_products",
        "id = (SELECT software_product_id FROM clients WHERE id = '{id}')",
        &["id", "software_id"],
    ),
    ("clients", "id = '{id}'", &["id", "software_product_id"]),
    ("credentials", "client_id = '{id}'", &["id", "client_id"]),
    ("entitlements", "client_id = '{id}'", &["id", "client_id"]),
    ("decisions", "subject_kind = 'client' AND subject_id = '{id}'", &["id", "subject_id"]),
    ("audit_events", "object_kind = 'client' AND object_id = '{id}'", &["id", "object_id"]),
];

/// The name of the copy `number` of what is called `name`.
pub(crate) fn name(name: &str, number: usize) -> String {
    let kept = name.chars().count().saturating_sub(DIGITS);
    format!("{}{number:0DIGITS$}", name.chars().take(kept).collect::<String>())
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Makes the copies with these numbers of the client `id`.
pub(crate) fn copies(database: &str, id: &str, numbers: Range<usize>) {
    if numbers.is_empty() {
        return;
    }
    if let Some(file) = database.strip_prefix("sqlite:") {
        let mut connection = SqliteConnection::establish(file).expect("the database");
        // Nobody else is there, and what is lost in a crash is made again.
        connection
            .batch_execute(
                "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; \
                 PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -400000",
            )
            .expect("settings");
        for part in parts(&numbers) {
            connection.batch_execute("BEGIN").expect("a transaction");
            for (table, rows, names) in TABLES {
                let columns: Vec<Column> =
                    diesel::sql_query(format!("SELECT name FROM pragma_table_info('{table}')"))
                        .load(&mut connection)
                        .expect("columns");
                let number = format!("printf('%0{DIGITS}d', n)");
                connection
                    .batch_execute(&statement((table, rows, names), &columns, &number, id, &part))
                    .expect(table);
            }
            connection.batch_execute("COMMIT").expect("a commit");
            println!("  {} clients", part.end);
        }
        connection.batch_execute("PRAGMA journal_mode = WAL").expect("the log");
        drop(connection);
        // Or the first checkpoint of the server would wait for all of it.
        std::fs::File::open(file).and_then(|it| it.sync_all()).expect("the file is kept");
    } else {
        let mut connection = PgConnection::establish(database).expect("the database");
        connection.batch_execute("SET synchronous_commit = off").expect("a setting");
        for part in parts(&numbers) {
            connection.batch_execute("BEGIN").expect("a transaction");
            for (table, rows, names) in TABLES {
                let columns: Vec<Column> = diesel::sql_query(format!(
                    "SELECT column_name::text AS name FROM information_schema.columns \
                     WHERE table_name = '{table}' AND table_schema = current_schema()"
                ))
                .load(&mut connection)
                .expect("columns");
                let number = format!("lpad(n::text, {DIGITS}, '0')");
                connection
                    .batch_execute(&statement((table, rows, names), &columns, &number, id, &part))
                    .expect(table);
            }
            connection.batch_execute("COMMIT").expect("a commit");
            println!("  {} clients", part.end);
        }
        connection.batch_execute("ANALYZE; CHECKPOINT").expect("statistics");
    }
}

/// A transaction makes so many copies.
fn parts(numbers: &Range<usize>) -> Vec<Range<usize>> {
    let starts = numbers.clone().step_by(PART);
    starts.map(|start| start..(start + PART).min(numbers.end)).collect()
}

fn statement(
    (table, rows, names): (&str, &str, &[&str]),
    columns: &[Column],
    number: &str,
    id: &str,
    numbers: &Range<usize>,
) -> String {
    let listed: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let mut values = String::new();
    for column in &listed {
        let comma = if values.is_empty() { "" } else { ", " };
        if names.contains(column) {
            write!(values, "{comma}substr({column}, 1, length({column}) - {DIGITS}) || {number}")
        } else {
            write!(values, "{comma}{column}")
        }
        .expect("a text");
    }
    let (from, to) = (numbers.start, numbers.end - 1);
    format!(
        "INSERT INTO {table} ({}) WITH RECURSIVE numbers(n) AS (SELECT {from} UNION ALL SELECT n + 1 \
         FROM numbers WHERE n < {to}) SELECT {values} FROM {table} CROSS JOIN numbers WHERE {}",
        listed.join(", "),
        rows.replace("{id}", id)
    )
}
