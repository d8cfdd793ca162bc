//! Errors for people.

/// An error with all its causes in one line. Each error adds its own context and never repeats its source, so the line
/// reads from what failed to why.
#[must_use]
pub fn describe(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
