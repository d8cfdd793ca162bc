//! A PDF of text and filled rectangles: as little of the format as a sheet of barcodes needs (ISO 32000-1). Nothing is
//! compressed, and the same input gives the same bytes.

/// Points in a millimetre.
pub(super) const MM: f64 = 72.0 / 25.4;
/// A4 in millimetres.
pub(super) const WIDTH: f64 = 210.0;
/// A4 in millimetres.
pub(super) const HEIGHT: f64 = 297.0;

/// A font that every reader has (ISO 32000-1, 9.6.2.2).
#[derive(Clone, Copy)]
pub(super) enum Font {
    Regular,
    Bold,
    Mono,
}

/// One page; places are in millimetres from the top left.
#[derive(Default)]
pub(super) struct Page {
    content: String,
}

impl Page {
    /// A line of text whose base line begins at `(left, top)`, `size` in points.
    pub(super) fn text(&mut self, (left, top): (f64, f64), font: Font, size: f64, text: &str) {
        let font = match font {
            Font::Regular => "F1",
            Font::Bold => "F2",
            Font::Mono => "F3",
        };
        let (x, y) = (left * MM, (HEIGHT - top) * MM);
        self.content.push_str(&format!("BT /{font} {size:.2} Tf {x:.3} {y:.3} Td ({}) Tj ET\n", escaped(text)));
    }

    /// A black rectangle.
    pub(super) fn bar(&mut self, (left, top): (f64, f64), width: f64, height: f64) {
        let (x, y) = (left * MM, (HEIGHT - top - height) * MM);
        self.content.push_str(&format!("{x:.3} {y:.3} {:.3} {:.3} re f\n", width * MM, height * MM));
    }
}

/// A string as PDF writes it. The fonts have the characters of Windows-1252; of them only ASCII is used, and `?` stands for
/// the rest.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '(' | ')' | '\\' => escaped.extend(['\\', character]),
            ' '..='~' => escaped.push(character),
            _ => escaped.push('?'),
        }
    }
    escaped
}

/// The file.
pub(super) fn file(pages: &[Page]) -> Vec<u8> {
    // 1: catalogue, 2: pages, 3 to 5: fonts, then each page with its content behind it.
    let first_page = 6;
    let kids: Vec<String> = (0..pages.len()).map(|page| format!("{} 0 R", first_page + 2 * page)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()),
    ];
    for name in ["Helvetica", "Helvetica-Bold", "Courier"] {
        objects.push(format!("<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>"));
    }
    for (index, page) in pages.iter().enumerate() {
        let content = first_page + 2 * index + 1;
        let (width, height) = (WIDTH * MM, HEIGHT * MM);
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:.3} {height:.3}] /Contents {content} 0 R \
             /Resources << /Font << /F1 3 0 R /F2 4 0 R /F3 5 0 R >> >> >>"
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{}endstream", page.content.len(), page.content));
    }
    let mut file = b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.extend_from_slice(format!("{} 0 obj\n{object}\nendobj\n", index + 1).as_bytes());
    }
    let table = file.len();
    file.extend_from_slice(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).as_bytes());
    for place in places {
        file.extend_from_slice(format!("{place:010} 00000 n \n").as_bytes());
    }
    let trailer = format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1);
    file.extend_from_slice(trailer.as_bytes());
    file
}
