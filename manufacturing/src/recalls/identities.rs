//! The identities in the cloud of the units of an answer: what a campaign over the air is sent to.

use std::ops::ControlFlow;

use serde_json::json;

use crate::recall::{Format, Prepared, each};
use crate::store::{Snapshot, sql};

/// Bytes that are handed on at once.
const CHUNK: usize = 16 << 10;

/// Writes one line for each unit that has an identity, as NDJSON or CSV, and counts those that have none. The last line says
/// so: `{"end":true,"count":N,"without":M,"complete":…}` or `#end,N,complete,M`.
///
/// # Errors
/// What the store says; what was sent until then lacks its end.
pub fn identities(
    snapshot: &Snapshot<'_>,
    prepared: &Prepared,
    format: Format,
    send: &mut dyn FnMut(Vec<u8>) -> ControlFlow<()>,
) -> sql::Result<bool> {
    let is_csv = matches!(format, Format::Csv | Format::Spreadsheet);
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut waiting = String::new();
    if is_csv {
        waiting.push_str("connhexId,serialNumber,scope\r\n");
    }
    let (mut count, mut without) = (0_u64, 0_u64);
    let flow = each(snapshot, prepared, false, |affected| {
        let Some(id) = &affected.connhex_id else {
            without += 1;
            return ControlFlow::Continue(());
        };
        count += 1;
        let (serial, scope) = (&affected.unit.serial, &affected.unit.scope);
        match is_csv {
            true => waiting += &format!("{},{},{}\r\n", quoted(id), quoted(serial), quoted(scope)),
            false => {
                let mut line = json!({ "connhexId": id, "serialNumber": serial });
                if !scope.is_empty() {
                    line["scope"] = scope.as_str().into();
                }
                waiting += &format!("{line}\n");
            }
        }
        match waiting.len() >= CHUNK {
            true => send(std::mem::take(&mut waiting).into_bytes()),
            false => ControlFlow::Continue(()),
        }
    })?;
    if flow.is_break() {
        return Ok(false);
    }
    let complete = prepared.completeness().complete;
    waiting += &match is_csv {
        true => format!("#end,{count},{},{without}\r\n", if complete { "complete" } else { "incomplete" }),
        false => format!("{}\n", json!({"end": true, "count": count, "without": without, "complete": complete})),
    };
    Ok(send(waiting.into_bytes()).is_continue())
}
