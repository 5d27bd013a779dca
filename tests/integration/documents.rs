//! The project's documents say what the program does.

use std::fs;
use std::path::Path;

use countersign::config::Settings;

#[test]
fn the_readme_carries_the_manual_of_every_setting() {
    let Ok(readme) = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"))
    else {
        return;
    };
    let table = Settings::reference();
    assert!(readme.contains(&table), "put this into README.md under Configuration:\n\n{table}");
}
