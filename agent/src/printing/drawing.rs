//! A job becomes a picture, and the picture bytes for a printer.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use labels::{Data, Density, Label, Language, Picture, Template, Zpl};

use crate::owner::{Ended, Handle};
use crate::station::JobDraft;

/// A label cannot be drawn: what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotDrawn(String);

/// The templates: those of the configuration, and those of older labels from the journal. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Drawing {
    templates: Arc<Mutex<BTreeMap<String, Arc<Template>>>>,
}

impl Drawing {
    /// Begins with the templates of the configuration.
    #[must_use]
    pub fn new(templates: BTreeMap<String, Arc<Template>>) -> Self {
        Self { templates: Arc::new(Mutex::new(templates)) }
    }

    fn known(&self, digest: &str) -> Option<Arc<Template>> {
        self.templates.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    /// The template with this SHA-256.
    ///
    /// # Errors
    /// When the owner has ended.
    pub fn template(&self, owner: &Handle, digest: &str) -> Result<Option<Arc<Template>>, Ended> {
        if let Some(template) = self.known(digest) {
            return Ok(Some(template));
        }
        let wanted = digest.to_owned();
        let text = owner.look(move |journal| journal.template(&wanted))?.unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a template could not be read");
            None
        });
        let Some(text) = text else { return Ok(None) };
        let template = match Template::parse(Path::new("template in the journal"), &text) {
            Ok(template) => Arc::new(template),
            Err(faults) => {
                tracing::error!(%faults, "a template of an older label is no template any more");
                return Ok(None);
            }
        };
        let mut templates = self.templates.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Some(templates.entry(digest.to_owned()).or_insert(template).clone()))
    }

    /// Draws the label of a job.
    ///
    /// # Errors
    /// [`NotDrawn`] inside: everything that is wrong with it. Outside: the owner has ended.
    pub fn draw(
        &self,
        owner: &Handle,
        job: &JobDraft,
        density: Option<Density>,
    ) -> Result<Result<Picture, NotDrawn>, Ended> {
        let Some(template) = self.template(owner, &job.template)? else {
            let why = "its template is no longer known to this station: print it from a station that has it";
            return Ok(Err(NotDrawn(why.to_owned())));
        };
        let data = Data::from(job.data.clone());
        let label = Label { template: &template, data: &data };
        let picture = label.draw_at(density.unwrap_or_else(|| template.density()));
        Ok(picture.map_err(|problems| NotDrawn(problems.to_string())))
    }
}

/// What goes to the printer: the label, as often as it is wanted.
///
/// # Errors
/// When the printer's language cannot say it.
pub(super) fn encode(picture: &Picture, copies: u32) -> Result<Vec<u8>, NotDrawn> {
    let once = Zpl::default().encode(picture).map_err(|error| NotDrawn(base::describe(&error)))?;
    Ok(once.repeat(copies.max(1) as usize))
}
