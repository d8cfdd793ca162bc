//! Labels: a template and values become a one-bit picture, the picture becomes the bytes of a printer language.
//!
//! Everything is decided before a byte goes to a printer: a label whose text does not fit, whose barcode would be too fine or
//! whose elements stand in each other's way is refused whole, with every reason. The same picture is shown, archived and printed.
//!
//! ```
//! use labels::{Data, Label, Language, Template, Zpl};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = r#"
//! name = "count"
//! media = { width = 50, height = 20, margin = 2, dpi = 203 }
//! [[element]]
//! kind = "text"
//! text = "{count} pieces"
//! left = 3
//! top = 5
//! width = 44
//! size_mm = 5
//! [[test]]
//! name = "usual"
//! data = { count = "24" }
//! "#;
//! let template = Template::parse("count.toml".as_ref(), text)?;
//! let data = Data::new().with("count", 12);
//! let picture = Label { template: &template, data: &data }.draw()?;
//! assert_eq!((picture.canvas().width(), picture.canvas().height()), (400, 160));
//! let bytes = Zpl::default().encode(&picture)?;
//! # assert!(bytes.starts_with(b"^XA"));
//! # Ok(())
//! # }
//! ```

mod canvas;
mod code128;
mod data;
mod draw;
mod font;
mod picture;
mod printer;
mod problem;
mod template;

pub use canvas::Canvas;
pub use code128::bars as code_128;
pub use data::{Data, FIELDS};
pub use font::FontError;
pub use picture::{Code, Density, Digest, Picture, PngError};
pub use printer::{Language, LanguageError, Zpl};
pub use problem::{Placed, Problem, Problems};
pub use template::{Label, Template, Test};
