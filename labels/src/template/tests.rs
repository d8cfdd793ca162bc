use std::path::{Path, PathBuf};

use super::*;
use crate::{Language as _, Problem, Zpl};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/labels").join(name)
}

fn load(name: &str) -> Template {
    Template::load(&file(name)).unwrap_or_else(|faults| panic!("{faults}"))
}

const MEDIA: &str = "name = \"t\"\nmedia = { width = 100, height = 50, margin = 2, dpi = 203 }\n";
const TEST: &str = "\n[[test]]\nname = \"usual\"\ndata = { sscc = \"095212341234567891\", lotCode = \"L1\" }\n";

fn parse(elements: &str) -> Result<Template, Faults> {
    Template::parse("t.toml".as_ref(), &format!("{MEDIA}{elements}{TEST}"))
}

/// The problems of a template with these elements, without the places.
fn problem(elements: &str) -> String {
    let faults = parse(elements).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults}");
    faults.to_string()
}

fn text(keys: &str) -> String {
    format!("[[element]]\nkind = \"text\"\nleft = 5\ntop = 5\nwidth = 40\nsize_mm = 4\n{keys}\n")
}

fn sscc(keys: &str) -> String {
    let fixed = "kind = \"gs1-128\"\ndata = \"(00){sscc}\"\nleft = 4\nbar_height = 10\nx_dimension = 0.5\n";
    format!("[[element]]\n{fixed}{keys}\n")
}

#[test]
fn the_templates_of_the_project_keep_their_promises() {
    for (name, size, codes, bytes) in [("pallet.toml", (840, 1184), 1, 14_000), ("package.toml", (800, 400), 1, 6_000)]
    {
        let template = load(name);
        assert_eq!(template.tests().len(), 3, "{name}");
        let example = &template.tests()[0];
        let picture = Label { template: &template, data: &example.data }.draw().unwrap();
        assert_eq!((picture.canvas().width(), picture.canvas().height()), size, "{name}");
        assert_eq!(picture.codes().len(), codes, "{name}");
        assert_eq!((picture.codes()[0].x_dimension_dots, picture.codes()[0].x_dimension_mm), (4, 0.5), "{name}");
        let zpl = Zpl::default().encode(&picture).unwrap();
        assert!(zpl.len() < bytes, "{name}: {} bytes", zpl.len());
        for dots_per_mm in [8.0, 11.811, 12.0, 23.622, 24.0] {
            for test in template.tests() {
                let label = Label { template: &template, data: &test.data };
                label.draw_at(Density::new(dots_per_mm).unwrap()).unwrap();
            }
        }
    }
}

#[test]
fn digests_name_template_and_picture() {
    let (one, other) = (parse(&text("text = \"a\"")).unwrap(), parse(&text("text = \"b\"")).unwrap());
    let data = Data::new();
    let draw = |template| Label { template, data: &data }.draw().unwrap();
    assert_ne!(one.digest(), other.digest());
    assert_eq!(draw(&one).template_digest(), one.digest());
    assert_eq!(draw(&one).digest(), draw(&one).digest());
    assert_ne!(draw(&one).digest(), draw(&other).digest());
    let empty = Template::parse("t".as_ref(), "").unwrap_err();
    assert_eq!(empty.len(), 4, "{empty}");
}

/// A label that is printed again is drawn again, perhaps by a later version of this program: it has to be the same picture. A
/// change here is a change of every label.
#[test]
fn the_pictures_of_the_project_stay_as_they_are() {
    let mut digests = String::new();
    for name in ["pallet.toml", "package.toml"] {
        let template = load(name);
        for test in template.tests() {
            for dots_per_mm in [8.0, 12.0, 24.0] {
                let label = Label { template: &template, data: &test.data };
                let picture = label.draw_at(Density::new(dots_per_mm).unwrap()).unwrap();
                digests += &format!("{name} {dots_per_mm} {}: {}\n", test.name, picture.digest());
            }
        }
    }
    insta::assert_snapshot!(digests);
}

#[test]
fn the_source_makes_the_same_template_again() {
    let template = load("pallet.toml");
    let again = Template::parse("again".as_ref(), template.source()).unwrap();
    assert_eq!((again.digest(), again.tests()), (template.digest(), template.tests()));
    let draw = |template| Label { template, data: &again.tests()[0].data }.draw().unwrap();
    assert_eq!(draw(&template), draw(&again));
}

#[test]
fn threads_may_share_a_template() {
    let template = load("package.toml");
    let data = &template.tests()[0].data;
    let one = Label { template: &template, data }.draw().unwrap().digest();
    let drawn = std::thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(|| Label { template: &template, data }.draw().unwrap().digest()));
        threads.map(|thread| thread.join().unwrap())
    });
    assert_eq!(drawn, [one; 4]);
}

#[test]
fn what_is_no_toml_is_told_at_its_place() {
    let faults = Template::parse("t.toml".as_ref(), "name = \"t\"\nmedia = { width = 100,, }\n").unwrap_err();
    insta::assert_snapshot!(faults);
}

#[test]
fn faults_of_a_template_are_told_together_at_their_places() {
    let text = "name = \"t\"
gs1_logistic_label = true
media = { width = 100, height = 5000, dpi = 204 }
[[element]]
kind = \"text\"
text = \"{lotcode}\"
left = 5
top = 5
width = 40
fit = \"shrink\"
colour = \"red\"
[[element]]
kind = \"barcode\"
[[element]]
kind = \"gs1-128\"
data = \"(0){sscc}\"
left = 5
top = 5
width = 40
bar_height = 10
x_dimension = 0.4
x_dimension_min = 0.5
when = [\"lot\"]
[[test]]
name = \"usual\"
data = { ssc = \"1\" }
";
    let faults = Template::parse("config/t.toml".as_ref(), text).unwrap_err();
    insta::assert_snapshot!(faults);
}

#[test]
fn problems_of_drawing_are_told_at_their_elements() {
    let elements = [
        text("text = \"{workOrder}\""),
        text("text = \"漢\""),
        text("text = \"far too long for its element\"").replace("top = 5", "top = 12"),
        text("text = \"in the margin\"").replace("left = 5", "left = 0.5").replace("top = 5", "top = 40"),
        sscc("top = 20\nwidth = 60\nx_dimension_min = 0.495"),
    ];
    let faults = parse(&elements.concat()).unwrap_err();
    insta::assert_snapshot!(faults);
}

#[test]
fn problems_of_places_and_barcodes_are_told_together() {
    let code = |kind: &str, data: &str, top: u32| {
        format!(
            "[[element]]\nkind = \"{kind}\"\ndata = \"{data}\"\nleft = 5\ntop = {top}\nwidth = 140\nbar_height = 8\n\
             x_dimension = 0.25\nx_dimension_min = 0.25\n"
        )
    };
    let elements = [
        text("text = \"one\""),
        text("text = \"another\""),
        text("text = \"tiny\"").replace("top = 5", "top = 12").replace("size_mm = 4", "size_pt = 4"),
        code("code128", "Größe", 20),
        code("gs1-128", "(01)09521234543219", 40),
        code("gs1-128", "(10){lotCode}(21)12345678901234567890(99)12345678901234567890", 60),
        code("gs1-128", "(21){lotCode}", 80),
        code("gs1-128", "(37)12", 100),
        code("code128", "X", 120) + "text_height = 20\n",
    ];
    let media = MEDIA.replace("width = 100, height = 50", "width = 150, height = 150");
    let test = TEST.replace("data =", "codes = [\"]C0x\"]\ndata =");
    let parse = |elements: &str| Template::parse("t.toml".as_ref(), &format!("{media}{elements}{test}")).unwrap_err();
    insta::assert_snapshot!(parse(&elements.concat()));
    // Whether the codes are those that the test expects only shows on a label without faults.
    insta::assert_snapshot!(parse(&code("code128", "y", 20)));
}

#[test]
fn a_serial_number_alone_is_no_gs1_barcode() {
    let serial = sscc("top = 30\nwidth = 92\nx_dimension_min = 0.25").replace("(00){sscc}", "(21){lotCode}");
    let fault = problem(&(text("text = \"x\"") + &serial));
    assert!(
        fault.contains("element[2].data: the GS1 barcodes of this label do not go together: AI (21) needs (01) or"),
        "{fault}"
    );
    // The (01) may stand in another barcode of the label.
    let gtin = sscc("top = 4\nwidth = 92\nx_dimension_min = 0.25").replace("(00){sscc}", "(01)09521234543213");
    assert!(parse(&(gtin + &serial)).is_ok());
}

#[test]
fn a_quiet_zone_is_kept_clear() {
    let code = sscc("top = 20\nwidth = 92\nx_dimension_min = 0.495");
    let beside = |left: &str| format!("[[element]]\nkind = \"line\"\nleft = {left}\ntop = 19\nheight = 8\n");
    // Bars from 11 to 89 mm, quiet zones from 6 to 94 mm.
    let fault = problem(&(code.clone() + &beside("8")));
    assert!(fault.contains("element[1].top: element[2] stands in its quiet zone at 8.0 mm"), "{fault}");
    let fault = problem(&(code.clone() + &beside("50")));
    assert!(fault.contains("element[1].top: it overlaps element[2] at 50.0 mm from the left, 20.0 mm"), "{fault}");
    assert!(parse(&(code + &beside("5"))).is_ok());
}

#[test]
fn the_x_dimension_is_whole_dots_and_never_below_its_minimum() {
    let x = |keys: &str, dots_per_mm: f64| {
        let template = parse(&sscc(keys)).unwrap();
        let picture =
            Label { template: &template, data: &template.tests()[0].data }.draw_at(Density::new(dots_per_mm).unwrap());
        picture.unwrap().codes()[0].x_dimension_dots
    };
    assert_eq!(x("top = 20\nwidth = 92\nx_dimension_min = 0.3", 8.0), 4);
    assert_eq!(x("top = 20\nwidth = 92\nx_dimension_min = 0.3", 11.811), 6);
    // Where 0.5 mm does not fit, the next less that the minimum allows.
    assert_eq!(x("top = 20\nwidth = 70\nx_dimension_min = 0.3", 8.0), 3);
    let fault = problem(&sscc("top = 20\nwidth = 70\nx_dimension_min = 0.4"));
    assert!(fault.contains("is 88.0 mm wide with quiet zones at an X-dimension of 0.500 mm"), "{fault}");
    // 7 dots at 14 per mm are 0.5 mm; 6 dots would be below 0.495 mm.
    assert_eq!(x("top = 20\nwidth = 92\nx_dimension_min = 0.495", 14.0), 7);
}

#[test]
fn rules_of_the_logistic_label() {
    let pallet = std::fs::read_to_string(file("pallet.toml")).unwrap();
    for (from, to, rule) in [
        ("bar_height = 34", "bar_height = 20", "bars of at least 31.75 mm"),
        ("text_height = 3 ", "text_height = 2 ", "text of at least 3 mm"),
        ("data = \"(00){sscc}\"", "data = \"(90){sscc}\"", "a barcode with the SSCC"),
        (
            "x_dimension = 0.5\nx_dimension_min = 0.495",
            "x_dimension = 0.375\nx_dimension_min = 0.25",
            "X-dimension from 0.495",
        ),
    ] {
        assert!(pallet.contains(from), "{from}");
        let faults = Template::parse("p.toml".as_ref(), &pallet.replace(from, to)).unwrap_err().to_string();
        assert!(faults.contains("gs1_logistic_label: a GS1 logistic label") && faults.contains(rule), "{faults}");
    }
}

#[test]
fn values_are_checked() {
    let template = load("pallet.toml");
    let usual = &template.tests()[0].data;
    let problems = |data: &Data| Label { template: &template, data }.draw().unwrap_err();
    let found =
        problems(&usual.clone().with("sscc", "095212341234567892").with("count", "12a").with("lotCode", "L\u{1b}1"));
    insta::assert_snapshot!(found);
    let kinds: Vec<&Problem> = found.iter().map(|placed| &placed.problem).collect();
    assert!(
        matches!(
            kinds[..],
            [Problem::Sscc(_), Problem::Count { .. }, Problem::ControlCharacter { position: 1, .. }, Problem::Sscc(_)]
        ),
        "{found}"
    );
    let found = problems(&usual.clone().with("station", "")).to_string();
    let says = "the field station has no value\n  help: give station a value, or write when = [\"station\"] in the \
                element, so that it is left out without one";
    assert!(found.contains(says), "{found}");
    // Older pallets were not counted: their label is good without.
    assert!(Label { template: &template, data: &usual.clone().with("count", "") }.draw().is_ok());
}

#[test]
fn associations_count_for_the_whole_label() {
    let count = sscc("top = 30\nwidth = 92\nx_dimension_min = 0.25").replace("(00){sscc}", "(02)09521234543213(37)24");
    let fault = problem(&count);
    assert!(
        fault.contains("element[1].data: the GS1 barcodes of this label do not go together: AI (37) needs"),
        "{fault}"
    );
    assert!(parse(&(sscc("top = 4\nwidth = 92\nx_dimension_min = 0.25") + &count)).is_ok());
}

#[test]
fn long_texts_wrap_or_shrink_when_asked() {
    let words = "text = \"a text of many words that is long\"";
    let ink = |keys: &str| {
        let template = parse(&text(&format!("{words}\n{keys}"))).unwrap();
        let picture = Label { template: &template, data: &Data::new() }.draw().unwrap();
        let black = |y: &i32| (0..800).any(|x| picture.canvas().is_black(x, *y));
        ((0..400).find(black).unwrap(), (0..400).rev().find(black).unwrap())
    };
    assert!(problem(&text(words)).contains("mm wide, its element has 40.0 mm"));
    let (top, bottom) = ink("fit = \"wrap\"\nheight = 20");
    assert!((38..=42).contains(&top) && bottom - top > 60, "{top} {bottom}");
    let fault = problem(&text(&format!("{words}\nfit = \"wrap\"\nheight = 5")));
    assert!(fault.contains("takes 3 lines, its element has room for 1"), "{fault}");
    let (top, bottom) = ink("fit = \"shrink\"\nsmallest_mm = 1.5");
    assert!(bottom - top < 32, "{top} {bottom}");
    assert!(
        problem(&text(&format!("{words}\nfit = \"shrink\"\nsmallest_mm = 3.5")))
            .contains("mm wide, its element has 40.0 mm")
    );
    assert!(problem(&text(words).replace("size_mm = 4", "size_pt = 4")).contains("at least 14 are needed"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(96))]
    #[test]
    fn any_value_is_drawn_or_refused_with_reasons(values in proptest::collection::vec("\\PC{0,30}|[0-9]{0,20}|[ -~]{0,40}", 4)) {
        static PACKAGE: std::sync::LazyLock<Template> = std::sync::LazyLock::new(|| load("package.toml"));
        let fields = ["sscc", "count", "lotCode", "partNumber"];
        let data = fields.into_iter().zip(values).fold(Data::new().with("sscc", "095212341234567907"), |data, (field, value)| {
            if field == "sscc" && value.len() < 10 { data } else { data.with(field, value) }
        });
        match (Label { template: &PACKAGE, data: &data }).draw() {
            Ok(picture) => proptest::prop_assert_eq!(picture.codes().len(), 1),
            Err(problems) => proptest::prop_assert!(problems.iter().all(|placed| !placed.problem.help().is_empty())),
        }
    }

    /// What was drawn before changes nothing: the same picture comes from kept characters, from fresh ones, and where room for
    /// them runs out in the middle of a label.
    #[test]
    fn kept_characters_are_the_fresh_ones(
        values in proptest::collection::vec("[A-Za-z0-9 ÄÖÜßéŁΩж/_-]{1,24}", 4),
        count in 0..1_000_000_u32,
        density in 0..4_usize,
    ) {
        use std::sync::LazyLock;
        static KEPT: LazyLock<Template> = LazyLock::new(|| load("pallet.toml"));
        static FRESH: LazyLock<Template> = LazyLock::new(|| Template { fonts: Fonts::keeping(0).unwrap(), ..load("pallet.toml") });
        static SCARCE: LazyLock<Template> = LazyLock::new(|| Template { fonts: Fonts::keeping(500).unwrap(), ..load("pallet.toml") });
        let fields = ["workOrder", "partNumber", "lotCode", "station"];
        let data = Data::new().with("sscc", "095212341234567891").with("count", count);
        let data = fields.into_iter().zip(values).fold(data, |data, (field, value)| data.with(field, value));
        let density = Density::new([8.0, 11.811, 12.0, 24.0][density]).unwrap();
        let draw = |template| Label { template, data: &data }.draw_at(density);
        let fresh = draw(&FRESH);
        proptest::prop_assert_eq!(&draw(&KEPT), &fresh);
        proptest::prop_assert_eq!(&draw(&SCARCE), &fresh);
    }
}
