//! Compares this room with the official GS1 engine: its verdicts and outputs for element strings, scans and Digital Link URIs.
//! The vectors are found through LOTLINE_SHARED.

use serde::Deserialize;

use crate::element_string::{bracketed, encode, hri, parse, parse_bracketed};
use crate::{AimId, DigitalLinkError, Element, check_associations, digital_link};

#[derive(Deserialize)]
struct Vectors {
    element_strings: Vec<Vector>,
    scan: Vec<Vector>,
    dl: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    #[serde(rename = "in")]
    input: String,
    ok: bool,
    err: Option<String>,
    /// With brackets; null for data without AIs.
    ai: Option<String>,
    /// With `^` for FNC1.
    data: Option<String>,
    #[serde(default)]
    hri: Vec<String>,
    #[serde(rename = "]C1")]
    gs1_128: Option<String>,
    #[serde(rename = "]d2")]
    gs1_data_matrix: Option<String>,
    #[serde(rename = "]Q3")]
    gs1_qr_code: Option<String>,
}

fn vectors(test: &str) -> Option<Vectors> {
    let Ok(shared) = std::env::var("LOTLINE_SHARED") else {
        println!("SKIPPED {test}: LOTLINE_SHARED is not set");
        return None;
    };
    let file = std::fs::read(format!("{shared}/data/gs1/vectors.json")).unwrap();
    Some(serde_json::from_slice(&file).unwrap())
}

fn associated(elements: Vec<Element>) -> Result<Vec<Element>, String> {
    check_associations(&elements).map_err(|error| error.to_string())?;
    Ok(elements)
}

/// What we say differs from what the engine says.
fn differs(vector: &Vector, ours: &Result<Vec<Element>, String>) -> bool {
    match ours {
        Ok(elements) => {
            !vector.ok || bracketed(elements) != vector.ai.clone().unwrap_or_default() || hri(elements) != vector.hri
        }
        Err(_) => vector.ok,
    }
}

/// Asserts that exactly the listed inputs differ; each is listed with its reason.
fn assert_differing(
    vectors: &[Vector],
    ours: impl Fn(&str) -> Result<Vec<Element>, String>,
    expected: &[(&str, &str)],
) {
    let mut differing = Vec::new();
    for vector in vectors {
        let result = ours(&vector.input);
        if differs(vector, &result) {
            println!("{:?}: engine {:?} {:?}, ours {result:?}", vector.input, vector.ai, vector.err);
            differing.push(vector.input.as_str());
        }
    }
    assert_eq!(differing, expected.iter().map(|(input, _)| *input).collect::<Vec<_>>());
}

#[test]
fn element_strings() {
    let Some(Vectors { element_strings, .. }) = vectors("element_strings") else { return };
    assert!(!element_strings.is_empty());
    let ours = |input: &str| parse_bracketed(input).map_err(|error| error.to_string()).and_then(associated);
    assert_differing(&element_strings, ours, &[]);
    for vector in element_strings.iter().filter(|vector| vector.ok) {
        let elements = parse_bracketed(&vector.input).unwrap();
        let encoded = encode(&elements);
        assert_eq!(format!("^{}", encoded.replace('\u{1d}', "^")), vector.data.as_deref().unwrap());
        for (id, scan) in [("]C1", &vector.gs1_128), ("]d2", &vector.gs1_data_matrix), ("]Q3", &vector.gs1_qr_code)] {
            let scan = scan.as_deref().unwrap();
            assert_eq!(scan, format!("{id}{encoded}"));
            let (aim, data) = AimId::split(scan.as_bytes());
            assert_eq!(aim, id.parse().ok());
            assert_eq!(parse(data).as_ref(), Ok(&elements));
        }
    }
}

/// As the engine reads a scan: AIs by AIM identifier, a Digital Link URI in plain data, else plain data without AIs.
fn read_scan(input: &str) -> Result<Vec<Element>, String> {
    let (aim, data) = AimId::split(input.as_bytes());
    let aim = aim.ok_or("no AIM identifier")?;
    if aim.is_gs1() { parse(data).map_err(|error| error.to_string()).and_then(associated) } else { read_plain(data) }
}

fn read_plain(data: &[u8]) -> Result<Vec<Element>, String> {
    match digital_link::parse(std::str::from_utf8(data).unwrap()) {
        Err(DigitalLinkError::NotAWebUri) => Ok(Vec::new()),
        Err(error) => Err(error.to_string()),
        Ok(elements) => associated(elements),
    }
}

#[test]
fn scans() {
    let Some(Vectors { scan, .. }) = vectors("scans") else { return };
    assert!(!scan.is_empty());
    const EAN: &str = "EAN/UPC symbols carry no AIs: their length and check digit are the scanner's matter";
    assert_differing(
        &scan,
        read_scan,
        &[
            ("]E0", EAN),
            ("]E00416000336108|]e099COMPOSITE", "the `|` between linear and 2D component is the engine's own notation"),
            ("]E012345678901234", EAN),
            ("]E02112345678901", EAN),
            ("]E402345674", EAN),
            ("]E4123456789", EAN),
            ("]XX", "the identifier is well formed, and data of a symbology without GS1 data is plain data"),
        ],
    );
}

#[test]
fn digital_links() {
    let Some(Vectors { dl, .. }) = vectors("digital_links") else { return };
    assert!(!dl.is_empty());
    assert_differing(&dl, |input| read_plain(input.as_bytes()), &[]);
}
