//! The rules of the guide: each has an anchor, and what names a rule links to it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

const PAGE: &str = include_str!("../src/docs/rules.md");

#[test]
fn every_rule_has_an_anchor_and_no_two_share_one() {
    let ids: Vec<_> = PAGE.lines().filter_map(anchor).collect();
    assert!(ids.len() > 30, "{ids:?}");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    for (number, line) in PAGE.lines().enumerate() {
        let cell = line.strip_prefix("| ").and_then(|row| row.split(" |").next());
        assert!(!cell.is_some_and(is_id), "rules.md:{}: a rule without an anchor", number + 1);
    }
}

/// Also in comments of private code and of tests.
#[test]
fn every_rule_that_is_named_exists() {
    let ids: BTreeSet<_> = PAGE.lines().filter_map(anchor).collect();
    let mut named = 0;
    for path in files("src").into_iter().chain(files("tests")) {
        let text = fs::read_to_string(&path).unwrap();
        let text = text.replace("\n///", " ").replace("\n//!", " ");
        for (at, _) in text.match_indices("rules#").chain(text.match_indices("rule ")) {
            let id = text[at..].trim_start_matches(|c: char| c.is_lowercase() || " #[".contains(c));
            let id = &id[..id.find(|c: char| !c.is_alphanumeric()).unwrap_or(id.len())];
            if is_id(id) {
                assert!(ids.contains(id), "{}: there is no rule {id}", path.display());
                named += 1;
            }
        }
    }
    assert!(named > 150, "{named}");
}

/// In the pages of the guide, and in the documentation of what is public.
#[test]
fn what_names_a_rule_links_to_it() {
    for path in files("src") {
        let text = fs::read_to_string(&path).unwrap();
        let is_page = path.extension().is_some_and(|extension| extension == "md");
        let documentation = if is_page { text } else { public_documentation(&text) };
        let words: Vec<_> = documentation.split_whitespace().collect();
        for pair in words.windows(2) {
            let is_named =
                ["rule", "rules", "(rule", "(rules"].contains(&pair[0]) || pair[1].starts_with('(');
            let id = pair[1].trim_matches(|c: char| !c.is_alphanumeric());
            assert!(!(is_named && is_id(id)), "{}: {pair:?} is no link", path.display());
        }
    }
}

/// Returns the rule of a row, `| <span id="S7">S7</span> | ...`.
fn anchor(line: &str) -> Option<&str> {
    let (id, rest) = line.strip_prefix("| <span id=\"")?.split_once("\">")?;
    assert!(rest.starts_with(&format!("{id}</span> |")), "{line}");
    Some(id)
}

fn is_id(text: &str) -> bool {
    let number = text.strip_prefix(|c| "SPUTOW".contains(c));
    number.is_some_and(|number| number.len() < 3 && number.parse::<u8>().is_ok())
}

/// Returns the comments that stand before public items.
fn public_documentation(text: &str) -> String {
    let (mut documentation, mut block) = (String::new(), String::new());
    for line in text.lines().map(str::trim_start) {
        if let Some(comment) = line.strip_prefix("///") {
            block += comment;
            block.push('\n');
        } else if !line.starts_with("#[") {
            if line.starts_with("pub ") {
                documentation += &block;
            }
            block.clear();
        }
    }
    documentation
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "md") {
                files.push(path);
            }
        }
    }
    files
}
