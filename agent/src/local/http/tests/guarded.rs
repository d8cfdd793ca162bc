//! Who may ask.

use serde_json::json;

use super::*;

#[test]
fn only_its_own_page_and_programs_of_this_computer_ask() {
    let station = Station::new();
    let with = |method, path, headers: &[(&str, &str)]| {
        let request = station.request(method, path);
        station.send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)))
    };
    let get = |headers: &[(&str, &str)]| with(Method::GET, "/v1/status", headers);
    let own = format!("http://{}", station.address);
    assert_eq!(get(&[("host", "line-7.example")]).status, StatusCode::OK);
    assert_eq!(get(&[("origin", &own)]).status, StatusCode::OK);
    for path in ["/", "/events", "/v1/status", "/metrics", "/healthz", "/operator.js", "/nowhere"] {
        let refused = with(Method::GET, path, &[("host", "evil.example")]);
        assert_eq!(refused.problem(), (403, "foreignHost".into()), "{path}");
        assert!(refused.text().contains("evil.example") && refused.text().contains("[page]"));
    }
    assert_eq!(get(&[("origin", "http://evil.example")]).problem(), (403, "foreignOrigin".into()));
    assert_eq!(get(&[("sec-fetch-site", "cross-site")]).problem(), (403, "foreignOrigin".into()));
    let scan = |header| {
        let request = station.request(Method::POST, "/v1/scans").json(&json!({"text": "A1"}));
        station.send(request.header("sec-fetch-site", header))
    };
    assert_eq!(scan("same-site").problem(), (403, "foreignOrigin".into()));
    assert_eq!(scan("same-origin").status, StatusCode::OK);
}

#[test]
fn a_screen_that_shows_no_token_learns_nothing() {
    let station = Station::with_token(Some(TOKEN));
    for path in
        ["/events", "/v1/status", "/metrics", "/v1/labels", "/healthz", "/operator.js", "/index.html", "/?token="]
    {
        let refused = station.get(path);
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(!refused.text().contains("pack-1"), "{path}");
    }
    let refused = station.post("/v1/scans", &json!({"text": "A1"}));
    assert_eq!((refused.problem(), refused.header("www-authenticate")), ((401, "noToken".into()), "Bearer"));
    let page = station.get("/");
    assert_eq!((page.status, page.header("content-type")), (StatusCode::UNAUTHORIZED, "text/html; charset=utf-8"));
    assert!(page.text().contains("/?token=TOKEN"));
    assert_eq!(station.get("/style.css").status, StatusCode::OK, "what the page without a token needs");
}

#[test]
fn the_token_lets_in_and_leaves_the_address_bar() {
    let station = Station::with_token(Some(TOKEN));
    let bearer = |token: &str| {
        let request = station.request(Method::GET, "/v1/status").header("authorization", format!("Bearer {token}"));
        station.send(request).status.as_u16()
    };
    assert_eq!((bearer(TOKEN), bearer("0123456789abcdeF"), bearer("")), (200, 401, 401));

    assert_eq!(station.get("/?token=0123456789abcdeF").status, StatusCode::UNAUTHORIZED);
    let opened = station.get(&format!("/?token={TOKEN}"));
    assert_eq!((opened.status, opened.header("location")), (StatusCode::SEE_OTHER, "/"));
    let set = opened.header("set-cookie");
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && !set.contains(TOKEN), "{set}");
    let cookie = set.split(';').next().unwrap();
    let with = |cookie: &str| {
        let request = station.request(Method::GET, "/").header("cookie", format!("other=1; {cookie}"));
        station.send(request).status.as_u16()
    };
    assert_eq!((with(cookie), with(&format!("{cookie}0")), with(&format!("lotline-page={TOKEN}"))), (200, 401, 401));
    // A known screen is still held to its own origin.
    let request = station.request(Method::GET, "/v1/status").header("cookie", cookie).header("host", "evil.example");
    assert_eq!(station.send(request).problem(), (403, "foreignHost".into()));
}
