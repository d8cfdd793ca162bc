//! Work orders that are looked up when they are scanned: in a file, for lines without a network, or at the service. What the
//! barcode itself says of the units has to agree.

pub mod csv;
mod file;
mod service;
mod table;

use std::time::Duration;

use records::wire::WorkOrder;

use crate::station::{Code, Reading, Unread};

pub use file::{File, InFile};
pub use service::{Found, Lookup};

/// Where work orders come from.
pub enum Orders {
    /// What the barcode or the topic says is all there is.
    Barcode,
    /// A CSV file.
    File(File),
    /// The service.
    Service(Lookup),
}

/// A scan that was looked up, and what the operator is told beside the answer.
pub type LookedUp = (Result<Reading, Unread>, Option<String>);

impl Orders {
    /// Completes a scan. Only work orders are looked up; that takes as long as the service, at most its time limit.
    pub async fn complete(&self, reading: Result<Reading, Unread>) -> LookedUp {
        let Ok(Reading::WorkOrder { id, .. }) = &reading else { return (reading, None) };
        let found = match self {
            Self::Barcode => return (reading, None),
            Self::File(file) => match file.find(id) {
                InFile::Order(order) => Ok((order, None)),
                InFile::Unknown => Err(refused(
                    Code::UnknownWorkOrder,
                    format!("Work order {id} is not in {}", file.path().display()),
                    "Scan a work order of today, or tell whoever writes the file.",
                )),
                InFile::Faulty(faults) => Err(refused(
                    Code::UnknownWorkOrder,
                    format!("Work order {id} is not known: {} has {faults} faults", file.path().display()),
                    "Tell whoever writes the file: `lotline-station check` names its faults.",
                )),
            },
            Self::Service(lookup) => of_service(id, lookup.find(id).await),
        };
        match found {
            Ok((order, age)) => (agree(reading, order), age.map(told)),
            Err(unread) => (Err(unread), None),
        }
    }
}

fn of_service(id: &str, found: Found) -> Result<(WorkOrder, Option<Duration>), Unread> {
    match found {
        Found::Order(order, age) => Ok((order, age)),
        Found::Unknown => Err(refused(
            Code::UnknownWorkOrder,
            format!("The service does not know work order {id}"),
            "Scan another work order, or tell the office.",
        )),
        Found::Closed => Err(refused(
            Code::WorkOrderClosed,
            format!("Work order {id} is closed"),
            "Scan another work order, or tell the office.",
        )),
        Found::Away(why) => Err(refused(
            Code::ServiceSilent,
            format!("Work order {id} could not be looked up: {why}"),
            "Scan it again when the service is back; see `lotline-station status`.",
        )),
    }
}

/// What the barcode says of the units has to be what the work order says, as far as it says something.
fn agree(reading: Result<Reading, Unread>, order: WorkOrder) -> Result<Reading, Unread> {
    let Ok(Reading::WorkOrder { id, mut attributes, .. }) = reading else { return reading };
    for (name, value) in &order.attributes {
        if let Some(said) = attributes.get(name).filter(|said| *said != value) {
            let plain = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            return Err(refused(
                Code::OtherThanWorkOrder,
                format!("The barcode says {name} {}, work order {id} has {}", plain(said), plain(value)),
                "Take the barcode of today's work order.",
            ));
        }
        attributes.insert(name.clone(), value.clone());
    }
    Ok(Reading::WorkOrder { id, attributes, terms: order.terms })
}

fn refused(code: Code, text: String, help: &str) -> Unread {
    Unread::Refused { code, text, help: help.to_owned() }
}

/// What the operator is told of an answer from before.
fn told(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    let age = match minutes {
        0 => "less than a minute".to_owned(),
        1..=119 => format!("{minutes} minutes"),
        _ => format!("{} hours", minutes / 60),
    };
    format!("The service is away: the work order is as it was {age} ago.")
}

#[cfg(test)]
mod tests {
    use records::attributes::Attributes;
    use records::wire::Terms;

    use super::*;

    fn reading(lot: Option<&str>) -> Result<Reading, Unread> {
        let attributes: Attributes = lot.into_iter().map(|lot| ("lotCode".to_owned(), lot.into())).collect();
        Ok(Reading::WorkOrder { id: "WO-1".into(), attributes, terms: Terms::default() })
    }

    #[tokio::test]
    async fn a_scanned_work_order_is_completed_and_has_to_agree() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("o.csv");
        std::fs::write(&path, "workOrder,lotCode,quantity\nWO-1,L1,5\n").unwrap();
        let orders = Orders::File(File::open(&path).unwrap());
        for said in [None, Some("L1")] {
            let (found, _) = orders.complete(reading(said)).await;
            let Ok(Reading::WorkOrder { attributes, terms, .. }) = found else { panic!("{found:?}") };
            assert_eq!((attributes["lotCode"].as_str(), terms.quantity), (Some("L1"), Some(5)));
        }
        let code = |looked: LookedUp| match looked.0 {
            Err(Unread::Refused { code, .. }) => code,
            other => panic!("{other:?}"),
        };
        assert_eq!(code(orders.complete(reading(Some("L2"))).await), Code::OtherThanWorkOrder);
        let other =
            Ok(Reading::WorkOrder { id: "WO-2".into(), attributes: Attributes::new(), terms: Terms::default() });
        assert_eq!(code(orders.complete(other).await), Code::UnknownWorkOrder);
        assert_eq!(Orders::Barcode.complete(reading(None)).await, (reading(None), None));
        assert_eq!(orders.complete(Err(Unread::NoRule)).await, (Err(Unread::NoRule), None));
    }

    #[test]
    fn an_old_answer_says_how_old_it_is() {
        assert!(told(Duration::from_secs(59)).contains("less than a minute"));
        assert!(told(Duration::from_secs(60 * 119)).contains("119 minutes"));
        assert!(told(Duration::from_secs(3600 * 5)).contains("5 hours"));
    }
}
