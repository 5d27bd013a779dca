//! The project's documents say what the program does.

use std::fs;
use std::path::Path;

use countersign::config::Settings;

#[test]
fn the_readme_carries_the_manual_of_every_setting() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(path).unwrap();
    let table = Settings::reference();
    assert!(readme.contains(&table), "put this into README.md under Configuration:\n\n{table}");
}
