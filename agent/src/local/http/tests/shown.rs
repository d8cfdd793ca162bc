//! The page itself.

use std::collections::BTreeSet;

use super::*;

const FILES: [(&str, &str); 14] = [
    ("/", "text/html; charset=utf-8"),
    ("/style.css", "text/css; charset=utf-8"),
    ("/operator.css", "text/css; charset=utf-8"),
    ("/dialogs.css", "text/css; charset=utf-8"),
    ("/operator.js", "text/javascript; charset=utf-8"),
    ("/station.js", "text/javascript; charset=utf-8"),
    ("/words.js", "text/javascript; charset=utf-8"),
    ("/answers.js", "text/javascript; charset=utf-8"),
    ("/filling.js", "text/javascript; charset=utf-8"),
    ("/commands.js", "text/javascript; charset=utf-8"),
    ("/presses.js", "text/javascript; charset=utf-8"),
    ("/labels.js", "text/javascript; charset=utf-8"),
    ("/dialogs.js", "text/javascript; charset=utf-8"),
    ("/tones.js", "text/javascript; charset=utf-8"),
];

#[test]
fn every_file_says_what_it_is_and_lets_nothing_foreign_run() {
    let station = Station::new();
    for (path, kind) in FILES {
        let file = station.get(path);
        assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, kind), "{path}");
        assert!(file.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"), "{path}");
        assert_eq!((file.header("x-content-type-options"), file.header("cache-control")), ("nosniff", "no-cache"));
    }
    let icon = station.get("/icon.svg");
    assert_eq!((icon.status, icon.header("content-type")), (StatusCode::OK, "image/svg+xml"));
    assert_eq!(station.get("/v1/status").header("cache-control"), "no-store");
}

/// What stands between `before` and the next `"`.
fn named<'t>(text: &'t str, before: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(before).skip(1).filter_map(|rest| rest.split('"').next())
}

#[test]
fn the_page_loads_only_files_that_are_served_and_asks_for_ids_that_it_has() {
    let station = Station::new();
    let page = station.get("/").text().to_owned();
    assert!(!page.contains("style=") && !page.contains("onclick") && !page.contains("://"));
    let ids: Vec<&str> = named(&page, " id=\"").collect();
    let known: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(known.len(), ids.len(), "an id stands once");
    let served: BTreeSet<&str> = FILES.iter().map(|(path, _)| *path).chain(["/icon.svg"]).collect();
    for path in named(&page, "href=\"").chain(named(&page, "src=\"")) {
        assert!(served.contains(path), "{path}");
    }
    for (path, _) in FILES.iter().filter(|(path, _)| path.ends_with(".js")) {
        let script = station.get(path).text().to_owned();
        for unsafe_way in ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "new Function", "://"]
        {
            assert!(!script.contains(unsafe_way), "{path}: {unsafe_way}");
        }
        for imported in named(&script, " from \"") {
            assert!(served.contains(imported), "{path} imports {imported}");
        }
        for id in named(&script, "byId(\"").chain(named(&script, "getElementById(\"")) {
            assert!(known.contains(id), "{path} asks for #{id}");
        }
    }
}

#[test]
fn what_tests_and_rigs_go_by_is_on_the_page() {
    let station = Station::new();
    let page = station.get("/").text().to_owned();
    for id in [
        "station",
        "lane",
        "work-order",
        "queue",
        "sound",
        "doubt",
        "doubt-came-out",
        "doubt-again",
        "troubles",
        "answer",
        "answer-title",
        "answer-serial",
        "answer-text",
        "answer-help",
        "answer-age",
        "history",
        "package",
        "package-count",
        "package-id",
        "pallet-count",
        "labels",
        "scan-text",
        "void-last",
        "close-package",
        "close-pallet",
        "confirm-yes",
        "label",
        "label-again",
        "lost",
    ] {
        assert!(page.contains(&format!(" id=\"{id}\"")), "{id}");
    }
    assert!(page.contains("No connection to the station: do not rely on this screen"));
}

/// A code for which the page has no title would be shown as its outcome alone.
#[test]
fn the_page_has_a_title_for_every_answer() {
    let words = include_str!("../page/words.js");
    for (code, says) in crate::station::Code::ALL {
        assert!(words.contains(&format!("\"{}\": \"", code.word())), "{code:?}");
        assert!(says.ends_with('.'), "{code:?} says {says:?}");
    }
}
