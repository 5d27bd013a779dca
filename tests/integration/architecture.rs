//! The house as DESIGN.md §3 draws it: which room may use which, and which library stands behind
//! which door. Every rule is shown a snippet that breaks it.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    reason = "a test that fails may panic"
)]

use std::fs;
use std::path::Path;

/// The rooms, in the order of the arrow: a room may use those before it.
const ROOMS: [&str; 18] = [
    "types",
    "x509",
    "jose",
    "protocol",
    "trust",
    "partners",
    "policy",
    "governance",
    "config",
    "storage",
    "remote",
    "keyring",
    "clock",
    "random",
    "app",
    "endpoints",
    "http",
    "cli",
];

/// The last room that only thinks.
const LAST_PURE_ROOM: &str = "config";

/// A library and the places that may name it.
const DOORS: [(&str, &[&str]); 24] = [
    ("actix_tls", &["http"]),
    ("rustls_pki_types", &["x509"]),
    ("x509_parser", &["x509"]),
    ("webpki", &["x509"]),
    // rustls calls its provider by the same name.
    ("aws_lc_rs", &["jose", "http"]),
    ("josekit", &["jose"]),
    ("openssl", &["jose"]),
    ("diesel", &["storage"]),
    ("diesel_migrations", &["storage"]),
    ("libsqlite3_sys", &["storage"]),
    ("pq_sys", &["storage"]),
    ("redis", &["storage"]),
    ("cedar_policy", &["policy/engine"]),
    ("actix", &["http"]),
    ("actix_http", &["http"]),
    ("actix_rt", &["http"]),
    ("actix_server", &["http"]),
    ("actix_web", &["http"]),
    ("reqwest", &["remote", "cli"]),
    ("rustls", &["remote", "http", "cli"]),
    ("rcgen", &["cli"]),
    ("clap", &["cli"]),
    ("jiff", &["types", "clock"]),
    ("getrandom", &["random"]),
];

/// What a room that only thinks does not mention.
const DEEDS: [&str; 20] = [
    "async",
    ".await",
    "tokio",
    "tracing",
    "log::",
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
    "std::fs",
    "std::io",
    "std::env",
    "std::process",
    "std::thread",
    "std::sync::mpsc",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "UnixStream",
];

/// How a clock is read.
const CLOCKS: [&str; 6] = [
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "Utc::now",
    "OffsetDateTime::now_utc",
];

/// How randomness is drawn. Keys and signatures draw theirs inside the cryptographic library.
const DICE: [&str; 9] = [
    "getrandom",
    "rand::",
    "rand_bytes",
    "random_bytes",
    "OsRng",
    "SystemRandom",
    "thread_rng",
    "RandomState",
    "new_v4",
];

const LONGEST_FILE: usize = 400;

/// A file under `src/`, its text in three degrees of undress.
struct Source<'a> {
    /// Its path below `src/`, without the extension: `jose/jwk`, `types/mod`, `clock`.
    path: &'a str,
    text: &'a str,
    /// The text without comments and literals.
    code: String,
    /// The code without the test modules.
    deeds: String,
}

impl<'a> Source<'a> {
    fn new(path: &'a str, text: &'a str) -> Self {
        let code = without_comments_and_literals(text);
        let is_test =
            path.contains("/tests/") || path.ends_with("/tests") || path.ends_with("_tests");
        let deeds = if is_test { String::new() } else { without_tests(&code) };
        Self { path, text, code, deeds }
    }

    fn room(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// How many modules deep the file is below the crate's root.
    fn depth(&self) -> usize {
        let names = self.path.split('/').count();
        if self.path.ends_with("/mod") { names - 1 } else { names }
    }

    fn is_within(&self, place: &str) -> bool {
        self.path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The text with comments, strings and characters blanked out; lines stay where they are.
fn without_comments_and_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let skipped = length_of_comment(rest).or_else(|| {
            let in_word = code.ends_with(|last: char| last.is_alphanumeric() || last == '_');
            length_of_literal(rest, in_word)
        });
        let length = skipped.unwrap_or(character.len_utf8());
        let (piece, after) = rest.split_at(length);
        match skipped {
            Some(_) => code.extend(piece.chars().filter(|found| *found == '\n').chain(['\u{a0}'])),
            None => code.push_str(piece),
        }
        rest = after;
    }
    code.replace('\u{a0}', " ")
}

fn length_of_comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        let rest = &text[at..];
        if rest.is_empty() {
            return Some(at);
        } else if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

fn length_of_literal(text: &str, in_word: bool) -> Option<usize> {
    let after_prefix = match text.strip_prefix('b').filter(|_| !in_word) {
        Some(rest) if rest.starts_with(['"', '\'', 'r']) => rest,
        _ => text,
    };
    let prefix = text.len() - after_prefix.len();
    if let Some(raw) = after_prefix.strip_prefix('r').filter(|_| !in_word) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if let Some(body) = raw[hashes..].strip_prefix('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let length = body.find(&end).map_or(body.len(), |at| at + end.len());
            return Some(prefix + 1 + hashes + 1 + length);
        }
        return None;
    }
    if after_prefix.starts_with('"') {
        return Some(prefix + quoted(after_prefix, '"'));
    }
    let character = after_prefix.strip_prefix('\'')?;
    let is_lifetime = !character.starts_with('\\')
        && character.chars().nth(1).is_none_or(|following| following != '\'');
    (!is_lifetime).then(|| prefix + quoted(after_prefix, '\''))
}

/// The length of a literal that begins and ends with `quote` and escapes with a backslash.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            found if found == quote => return at + quote.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The code without the items marked `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let Some((before, marked)) = code.split_once(MARK) else { return code.to_owned() };
    let Some(end_of_head) = marked.find(['{', ';']) else { return before.to_owned() };
    let mut depth = 0_usize;
    for (at, character) in marked.char_indices().skip(end_of_head) {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return format!("{before}{}", without_tests(&marked[at + 1..]));
        }
    }
    before.to_owned()
}

/// Where `word` stands in the code on its own, not as part of a longer name.
fn mentions<'c>(code: &'c str, word: &'c str) -> impl Iterator<Item = &'c str> {
    let continues = |character: char| character.is_alphanumeric() || character == '_';
    let opens_with_name = word.starts_with(continues);
    let ends_with_name = word.ends_with(continues);
    code.match_indices(word).filter_map(move |(at, _)| {
        let after = &code[at + word.len()..];
        let in_longer_name = opens_with_name && code[..at].ends_with(continues)
            || ends_with_name && after.starts_with(continues);
        (!in_longer_name).then_some(after)
    })
}

fn names(code: &str, word: &str) -> bool {
    mentions(code, word).next().is_some()
}

/// Whether the code speaks of the library `name`: a path that begins with it, or its import.
fn names_library(code: &str, name: &str) -> bool {
    let qualified = format!("{name}::");
    let is_own_module = |at: usize| code[..at].ends_with("::");
    let as_path = code.match_indices(&qualified).any(|(at, _)| {
        let continues = |character: char| character.is_alphanumeric() || character == '_';
        let absolute = code[..at].strip_suffix("::").is_some_and(|head| !head.ends_with(continues));
        (!is_own_module(at) || absolute) && !code[..at].ends_with(continues)
    });
    let import = |word: &str| names(code, &format!("{word} {name}"));
    as_path || import("use") || import("extern crate")
}

fn first_name(code: &str) -> &str {
    let end = code.find(|found: char| !(found.is_alphanumeric() || found == '_'));
    &code[..end.unwrap_or(code.len())]
}

fn position(room: &str) -> Option<usize> {
    ROOMS.iter().position(|known| *known == room)
}

/// Everything that is wrong with one file.
fn problems(path: &str, text: &str) -> Vec<String> {
    let source = Source::new(path, text);
    let rules: [fn(&Source<'_>) -> Vec<String>; 9] = [
        arrows,
        grouped_imports,
        escapes,
        purity,
        doors,
        clocks,
        dice,
        one_time_use,
        unfinished_and_long,
    ];
    rules
        .iter()
        .flat_map(|rule| rule(&source))
        .map(|problem| format!("src/{path}.rs: {problem}"))
        .collect()
}

/// A room uses those before it.
fn arrows(source: &Source<'_>) -> Vec<String> {
    let Some(own) = position(source.room()) else { return Vec::new() };
    mentions(&source.code, "crate::")
        .map(first_name)
        .filter(|used| position(used).is_some_and(|used| used > own))
        .map(|used| format!("`{}` may not use `{used}`", source.room()))
        .collect()
}

/// `use crate::{a, b}` would hide an arrow from the reader.
fn grouped_imports(source: &Source<'_>) -> Vec<String> {
    mentions(&source.code, "crate::")
        .filter(|after| after.trim_start().starts_with(['{', '*']))
        .map(|_| "one `use crate::…;` per room".to_owned())
        .collect()
}

/// `super::super::…` that leaves the room would hide an arrow too.
fn escapes(source: &Source<'_>) -> Vec<String> {
    mentions(&source.deeds, "super::")
        .filter(|after| {
            let mut climbed = 1;
            let mut rest = *after;
            while let Some(further) = rest.strip_prefix("super::") {
                (climbed, rest) = (climbed + 1, further);
            }
            climbed >= source.depth()
        })
        .map(|_| "a path that leaves its room begins with `crate::`".to_owned())
        .collect()
}

/// The rooms up to `config` only think.
fn purity(source: &Source<'_>) -> Vec<String> {
    let thinks = position(source.room()).is_some_and(|own| Some(own) <= position(LAST_PURE_ROOM));
    if !thinks {
        return Vec::new();
    }
    DEEDS
        .iter()
        .filter(|deed| names(&source.deeds, deed))
        .map(|deed| format!("`{}` only thinks, and `{deed}` is a deed", source.room()))
        .collect()
}

/// A library is named only behind its door.
fn doors(source: &Source<'_>) -> Vec<String> {
    DOORS
        .iter()
        .filter(|(library, _)| names_library(&source.deeds, library))
        .filter(|(_, places)| !places.iter().any(|place| source.is_within(place)))
        .map(|(library, places)| format!("`{library}` is named only by {}", places.join(" and ")))
        .collect()
}

/// Only `clock.rs` reads the clock.
fn clocks(source: &Source<'_>) -> Vec<String> {
    if source.path == "clock" {
        return Vec::new();
    }
    CLOCKS
        .iter()
        .filter(|clock| names(&source.deeds, clock))
        .map(|clock| format!("`{clock}`: only clock.rs reads the clock"))
        .collect()
}

/// Only `random.rs` draws.
fn dice(source: &Source<'_>) -> Vec<String> {
    if source.path == "random" {
        return Vec::new();
    }
    DICE.iter()
        .filter(|die| names(&source.deeds, die))
        .map(|die| format!("`{die}`: only random.rs draws random numbers"))
        .collect()
}

/// What is single-use is consumed by one statement of the storage room: never look, then write.
fn one_time_use(source: &Source<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let in_storage = source.is_within("storage");
    if !in_storage && names(&source.deeds, "fn consume_once") {
        found.push("only storage offers `consume_once`".to_owned());
    }
    if in_storage && mentions(&source.deeds, "exists").any(|after| after.starts_with('(')) {
        found.push("`exists`, then write, is a race: let one statement decide".to_owned());
    }
    found
}

/// What is not finished is an issue, and what is long wants a second file.
fn unfinished_and_long(source: &Source<'_>) -> Vec<String> {
    let mut found: Vec<String> = ["TODO", "FIXME", "XXX"]
        .into_iter()
        .filter(|mark| names(source.text, mark))
        .map(|mark| format!("`{mark}`: write an issue instead"))
        .collect();
    let in_tests = source.code.lines().count().saturating_sub(source.deeds.lines().count());
    let lines = source.text.lines().count().saturating_sub(in_tests);
    if lines > LONGEST_FILE {
        found.push(format!("{lines} lines are more than {LONGEST_FILE}"));
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `folder`, as path without extension and text, in one order.
fn sources(folder: &Path, below: &str) -> Vec<(String, String)> {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(sources(&entry.path(), &format!("{below}{name}/")));
        } else if let Some(stem) = name.strip_suffix(".rs") {
            found.push((format!("{below}{stem}"), fs::read_to_string(entry.path()).unwrap()));
        }
    }
    found
}

#[test]
fn the_house_keeps_its_rules() {
    let found: Vec<String> = sources(&root().join("src"), "")
        .iter()
        .flat_map(|(path, text)| problems(path, text))
        .collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_file_stands_in_a_known_room() {
    for (path, _) in sources(&root().join("src"), "") {
        let room = path.split('/').next().unwrap();
        assert!(["lib", "main"].contains(&room) || position(room).is_some(), "src/{path}.rs");
    }
}

#[test]
fn the_crate_lists_its_rooms_in_the_order_of_the_arrow() {
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let listed: Vec<usize> = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(|room| position(room).unwrap_or_else(|| panic!("`{room}` is no room")))
        .collect();
    assert!(listed.is_sorted(), "{listed:?}");
}

/// The rule must find something in the bad snippet, and nothing in the good one.
fn told_apart(path: &str, bad: &str, good: &str) {
    assert_ne!(problems(path, bad), Vec::<String>::new(), "accepted in {path}:\n{bad}");
    assert_eq!(problems(path, good), Vec::<String>::new(), "refused in {path}:\n{good}");
}

#[test]
fn an_upward_use_is_refused() {
    told_apart("jose/jws", "use crate::storage::Database;", "use crate::types::Secret;");
    told_apart("policy/facts", "fn f() { crate::http::go() }", "fn f() { crate::types::go() }");
    told_apart("types/a", "#[cfg(test)] mod tests { use crate::jose::A; }", "// crate::jose::A");
    told_apart("endpoints/token", "use crate::cli::A;", "use crate::app::App;");
}

#[test]
fn a_grouped_import_is_refused() {
    told_apart("http/oauth", "use crate::{app, endpoints};", "use crate::endpoints::{A, B};");
    told_apart("http/oauth", "use crate::*;", "use crate::app::*;");
}

#[test]
fn a_path_that_climbs_out_of_its_room_is_refused() {
    told_apart("jose/jws", "use super::super::storage::A;", "use super::jwk::A;");
    told_apart("jose/mod", "use super::storage::A;", "use self::jwk::A;");
    told_apart("protocol/client/metadata", "use super::super::super::http::A;", "use super::A;");
}

#[test]
fn a_deed_in_a_room_that_only_thinks_is_refused() {
    for deed in [
        "async fn f() {}",
        "fn f() { g().await }",
        "use std::fs::File;",
        "use std::io::Read;",
        "fn f() { tracing::info!() }",
        "fn f() { std::thread::spawn(g) }",
        "fn f() { std::env::var(a) }",
        "fn f() { println!() }",
        "fn f(a: std::net::TcpStream) {}",
        "use tokio::sync::Mutex;",
    ] {
        for room in ["types/a", "jose/a", "protocol/a", "trust/a", "partners/a", "config/a"] {
            assert_ne!(problems(room, deed), Vec::<String>::new(), "{room}: {deed}");
        }
        assert_eq!(problems("storage/a", deed), Vec::<String>::new(), "storage: {deed}");
        let in_test = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{ {deed} }}");
        assert_eq!(problems("types/a", &in_test), Vec::<String>::new(), "{in_test}");
    }
    told_apart("config/a", "use std::net::TcpListener;", "use std::net::SocketAddr;");
    assert_eq!(problems("main", "use std::process::ExitCode;"), Vec::<String>::new());
}

#[test]
fn a_library_outside_its_door_is_refused() {
    for (library, places) in DOORS {
        let import = format!("use {library}::A;");
        let path = format!("fn f() {{ {library}::a() }}");
        let whole = format!("use {library};");
        for bad in [&import, &path, &whole] {
            assert_ne!(problems("keyring", bad), Vec::<String>::new(), "{bad}");
            let elsewhere = bad.replace(library, &format!("our_{library}"));
            assert_eq!(problems("keyring", &elsewhere), Vec::<String>::new(), "{elsewhere}");
        }
        for place in places {
            let file = format!("{place}/a");
            let doors = doors(&Source::new(&file, &import));
            assert_eq!(doors, Vec::<String>::new(), "{place}: {import}");
        }
    }
    told_apart("policy/facts", "use cedar_policy::Entity;", "use crate::jose::Algorithm;");
    told_apart("storage/sql", "use ::openssl::hash;", "use self::redis::A;");
}

#[test]
fn a_clock_read_elsewhere_is_refused() {
    for clock in CLOCKS {
        let reading = format!("fn f() {{ {clock}(); }}");
        assert_ne!(problems("storage/a", &reading), Vec::<String>::new(), "{reading}");
        assert_eq!(problems("clock", &reading), Vec::<String>::new(), "{reading}");
    }
}

#[test]
fn a_random_number_drawn_elsewhere_is_refused() {
    for die in DICE {
        let drawing = format!("fn f() {{ {die}(); }}");
        assert_ne!(problems("cli/a", &drawing), Vec::<String>::new(), "{drawing}");
        assert_eq!(problems("random", &drawing), Vec::<String>::new(), "{drawing}");
    }
}

#[test]
fn single_use_is_decided_by_storage_in_one_statement() {
    told_apart("endpoints/token", "fn consume_once() {}", "fn f() { store.consume_once() }");
    told_apart("storage/once", "fn f() { select(exists(a)) }", "fn consume_once() {}");
    told_apart("storage/once", "fn f(a: &Path) { a.exists(); }", "fn f() { it_exists(a) }");
}

#[test]
fn a_mark_of_unfinished_work_is_refused() {
    for mark in ["TODO", "FIXME", "XXX"] {
        told_apart("cli/a", &format!("// {mark}: later"), &format!("// A{mark}S"));
    }
}

#[test]
fn a_long_file_is_refused_and_its_tests_are_not_counted() {
    let long = "fn a() {}\n".repeat(LONGEST_FILE + 1);
    let tested = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
    told_apart("cli/a", &long, &tested);
    assert_eq!(problems("cli/a/tests", &long), Vec::<String>::new());
}

#[test]
fn comments_and_literals_are_not_code() {
    let text = r###"
        // use crate::cli::A;
        /* async /* nested */ fn */
        const A: &str = "use crate::cli::A; \" async";
        const B: &str = r#"async " crate::http"#;
        const C: &[u8] = b"async";
        const D: [char; 3] = ['"', '\'', '{'];
        fn f<'a>(a: &'a str) -> &'a str { a }
        const E: &[u8] = br##"async"##;
    "###;
    assert_eq!(problems("types/a", text), Vec::<String>::new());
    told_apart("types/a", "const A: char = '\"'; async fn f() {}", "const A: char = 'a';");
}
