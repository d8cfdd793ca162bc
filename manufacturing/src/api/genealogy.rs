//! `/v1/devices/{serial}/genealogy`: what is inside a device, and what it is inside of.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use records::Subject;
use records::attributes::PART_OF;
use serde_json::json;

use super::App;
use super::parameters::{Parameters, serial, wrong};
use super::problem::Problem;
use super::streaming;
use crate::projection::{CIRCLE, IN_ITSELF, part_value};
use crate::recall::genealogy::{Relative, down, up};
use crate::unanswerable::{Unanswerable, find_kept};

/// Bytes that are handed on at once.
const CHUNK: usize = 16 << 10;

/// Every device inside or around a device, at any depth, ever, as a stream.
pub async fn genealogy(
    State(app): State<Arc<App>>,
    path: Result<Option<Path<String>>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let parameters = Parameters::of(&uri, &["serial", "scope", "direction", "asOf"])?;
    let asked = serial(path, &parameters)?;
    let scope = parameters.text("scope").map(str::to_owned);
    let as_of = parameters.time("asOf")?;
    let is_down = match parameters.text("direction") {
        None | Some("down") => true,
        Some("up") => false,
        Some(_) => return Err(wrong("`direction` is neither up nor down", "leave it out for down: what is inside")),
    };
    let body = streaming::answer(
        &app,
        move |snapshot| {
            let why = match find_kept(snapshot, &asked, scope.as_deref())? {
                Ok((device, kept)) => return Ok(Ok((device.subject, Some(kept)))),
                Err(why) => why,
            };
            // No record is about the device itself, and yet something was built into it.
            let device = Subject { scope: scope.unwrap_or_default(), ..Subject::device(asked) };
            let is_known = matches!(why, Unanswerable::Unknown(_))
                && snapshot.has_group(PART_OF, &part_value(&device.id, &device.scope))?;
            Ok(if is_known { Ok((device, None)) } else { Err(why) })
        },
        move |snapshot, (device, kept), send| {
            let direction = if is_down { "down" } else { "up" };
            let mut head = json!({"serialNumber": device.id, "direction": direction});
            if !device.scope.is_empty() {
                head["scope"] = device.scope.as_str().into();
            }
            if let Some(as_of) = as_of {
                head["asOf"] = json!(as_of);
            }
            let odd = kept.iter().flat_map(|kept| &kept.contradictions);
            let odd: Vec<_> = odd.filter(|one| [CIRCLE, IN_ITSELF].contains(&one.code.as_str())).collect();
            if !odd.is_empty() {
                head["contradictions"] = json!(odd);
            }
            let mut waiting = head.to_string();
            // Reopened: the list follows.
            waiting.pop();
            waiting += ",\n\"devices\":[";
            let (mut count, mut listed) = (0_u64, 0_u64);
            let mut write = |waiting: &mut String, relative: &Relative| {
                *waiting += if listed == 0 { "\n" } else { ",\n" };
                *waiting += &json!(relative).to_string();
                (count, listed) = (count + u64::from(!relative.corrected), listed + 1);
            };
            let flow = match is_down {
                true => down(snapshot, &device, as_of, |relative| {
                    write(&mut waiting, &relative);
                    match waiting.len() >= CHUNK {
                        true => send(std::mem::take(&mut waiting).into_bytes()),
                        false => std::ops::ControlFlow::Continue(()),
                    }
                })?,
                false => {
                    if let Some(kept) = &kept {
                        up(snapshot, kept, as_of)?.iter().for_each(|relative| write(&mut waiting, relative));
                    }
                    std::ops::ControlFlow::Continue(())
                }
            };
            if flow.is_break() {
                return Ok(false);
            }
            waiting += &format!("],\n\"count\":{count},\"end\":true}}\n");
            Ok(send(waiting.into_bytes()).is_continue())
        },
    );
    Ok(([(header::CONTENT_TYPE, "application/json")], body.await?).into_response())
}
