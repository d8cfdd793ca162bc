//! What the pages are made of. What they do is seen in a browser.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn text(asset: Asset) -> &'static str {
    let (Asset::Html(text) | Asset::Css(text) | Asset::Script(text)) = asset;
    text
}

fn scripts() -> impl Iterator<Item = (&'static str, &'static str)> {
    ASSETS.into_iter().filter(|(_, asset)| matches!(asset, Asset::Script(_))).map(|(path, asset)| (path, text(asset)))
}

fn page() -> &'static str {
    text(ASSETS[0].1)
}

/// What stands between `before` and the next quotation mark, each time.
fn quoted<'t>(text: &'t str, before: &str) -> Vec<&'t str> {
    text.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn every_part_is_served_as_what_it_is_and_may_run_nothing_foreign() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router::<()>()).await });
        let client = base::http::client(None).unwrap();
        for (path, asset) in ASSETS {
            let response = client.get(format!("http://{address}{path}")).send().await.unwrap();
            let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
            let kind = match asset {
                Asset::Html(_) => "text/html; charset=utf-8",
                Asset::Css(_) => "text/css; charset=utf-8",
                Asset::Script(_) => "text/javascript; charset=utf-8",
            };
            assert_eq!((response.status(), &*header("content-type")), (StatusCode::OK, kind), "{path}");
            assert!(header("content-security-policy").starts_with("default-src 'none';"), "{path}");
            assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(response.text().await.unwrap(), text(asset), "{path}");
        }
        let picture = client.get(format!("http://{address}/favicon.ico")).send().await.unwrap();
        assert_eq!(picture.status(), StatusCode::NO_CONTENT);
        let posted = client.post(format!("http://{address}/")).send().await.unwrap();
        assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
    });
}

#[test]
fn every_part_that_is_named_is_served_and_every_part_is_named() {
    let paths: BTreeSet<&str> = ASSETS.iter().map(|(path, _)| *path).collect();
    assert_eq!(paths.len(), ASSETS.len());
    let mut named: BTreeSet<String> = BTreeSet::from(["/".to_owned()]);
    for attribute in [" href=\"", " src=\""] {
        named.extend(quoted(page(), attribute).into_iter().filter(|to| to.starts_with("/a")).map(str::to_owned));
    }
    for (_, script) in scripts() {
        named.extend(quoted(script, "from \"./").iter().map(|name| format!("/assets/{name}")));
    }
    assert_eq!(named.iter().map(String::as_str).collect::<BTreeSet<_>>(), paths);
}

#[test]
fn every_name_that_a_script_imports_is_exported() {
    let files: BTreeMap<&str, &str> = scripts().collect();
    let mut imports = 0;
    for (path, script) in scripts() {
        for line in script.lines().filter(|line| line.starts_with("import ")) {
            let (names, from) = line.split_once("} from \"./").unwrap();
            let source = files[format!("/assets/{}", from.trim_end_matches("\";")).as_str()];
            for name in names.trim_start_matches("import {").split(',').map(str::trim) {
                let exported = ["function ", "async function ", "const ", "class "]
                    .iter()
                    .any(|kind| source.contains(&format!("export {kind}{name}")));
                assert!(exported, "{path}: {name}");
                imports += 1;
            }
        }
    }
    assert!(imports > 20);
}

#[test]
fn every_id_that_a_script_looks_for_is_there() {
    let in_page: BTreeSet<&str> = quoted(page(), " id=\"").into_iter().collect();
    let made: BTreeSet<&str> = scripts().flat_map(|(_, script)| quoted(script, "id: \"")).collect();
    let mut looked_for = 0;
    for (path, script) in scripts() {
        for id in quoted(script, "byId(\"") {
            assert!(in_page.contains(id), "{path}: {id}");
            looked_for += 1;
        }
        for id in quoted(script, "querySelector(\"#") {
            assert!(in_page.contains(id) || made.contains(id), "{path}: {id}");
            looked_for += 1;
        }
    }
    assert!(looked_for > 4);
}

#[test]
fn nothing_is_loaded_from_elsewhere_and_no_data_becomes_markup() {
    let markup = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "createContextualFragment",
        "DOMParser",
        "srcdoc",
        "eval(",
        "Function(",
        "javascript:",
        "import(",
        "setAttribute(\"style\"",
    ];
    let foreign = ["http://", "https://", "\"//", "'//", "`//", "(//", "@import", "url("];
    for (path, asset) in ASSETS {
        for word in markup.iter().chain(&foreign) {
            assert!(!text(asset).contains(word), "{path}: {word}");
        }
    }
    for inline in [" style=", " onclick=", " onload=", "<style", "<script>"] {
        assert!(!page().contains(inline), "{inline}");
    }
}
