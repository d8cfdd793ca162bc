//! Units into packages, packages onto pallets.

use gs1::{AllocError, Allocator};
use records::attributes::Attributes;
use records::{Draft, Event, Joined, Kind, Level, RecordId, Subject};

use super::answer::{Answer, Code, Outcome};
use super::decide::Turn;
use super::known::{Known, KnownChange};
use super::state::{Close, Lane, OpenPackage, OpenPallet, PackedUnit};

impl Turn<'_> {
    pub(super) fn device(
        &mut self,
        name: &str,
        serial: &str,
        scope: &str,
        label: &Attributes,
        known: Option<&Known>,
    ) -> Result<Answer, Answer> {
        if let Some(known) = known {
            if let Some(answer) = self.is_last(name, serial, scope, known) {
                return Ok(answer);
            }
            let text = format!("{serial} is packed already{}", in_package(known));
            return Err(Answer::refused(
                name,
                Code::Duplicate,
                text,
                "Set the unit aside: two units may carry this serial.",
            ));
        }
        let mut lane = self.state.lane(name);
        let attributes = self.attributes(name, &lane, label)?;
        self.check_room(name, &lane)?;
        self.open_containers(name, &mut lane)?;

        if let Some(package) = &mut lane.package {
            package.add(&attributes);
        }
        let mut draft =
            Draft::new(Event::Packed, Subject { kind: Kind::Device, id: serial.into(), scope: scope.into() });
        draft.lane = Some(name.to_owned());
        draft.attributes = attributes;
        let package_id = lane.package.as_ref().map(|package| package.id.clone()).unwrap_or_default();
        draft.into = vec![Joined::container(&package_id, Level::Package)];
        let seq = self.write(draft);
        let work_order = lane.work_order.as_ref().map(|order| order.id.clone());
        self.known.push(KnownChange::Set {
            scope: scope.to_owned(),
            serial: serial.to_owned(),
            known: Known { work_order, ..Known::packed(seq, package_id) },
        });
        self.state.counters.accepted += 1;

        let mut full = false;
        if let Some(package) = &mut lane.package {
            if package.recent.len() == OpenPackage::RECENT {
                package.recent.remove(0);
            }
            package.recent.push(PackedUnit { serial: serial.to_owned(), scope: scope.to_owned(), seq, series: None });
            full = package.count >= self.line.packing.package_size;
        }
        let mut answer =
            self.filled(&lane, Answer::new(name, Outcome::Accepted, Code::Packed, format!("{serial} packed")));
        answer.serial = Some(serial.to_owned());
        if full && self.line.packing.package_close == Close::Auto {
            self.close_package(name, &mut lane);
            answer.text = format!("{serial} packed, package full and closed");
            let open = self.filled(&lane, answer.clone());
            answer.pallet = open.pallet;
            if self.pallet_is_full(&lane) && self.line.packing.pallet_close == Close::Auto {
                self.close_pallet(name, &mut lane);
                answer.text = format!("{serial} packed, package and pallet full and closed");
            }
        }
        self.state.lanes.insert(name.to_owned(), lane);
        Ok(answer)
    }

    /// The last unit of the open package, scanned again: it is there once, and there it stays. Nothing is written.
    fn is_last(&self, name: &str, serial: &str, scope: &str, known: &Known) -> Option<Answer> {
        let lane = self.state.lane(name);
        let package = lane.package.as_ref().filter(|package| Some(&package.id) == known.package.as_ref())?;
        package.recent.last().filter(|last| (last.serial.as_str(), last.scope.as_str()) == (serial, scope))?;
        let text = format!("{serial} is recorded already, as the last unit of package {}", package.id);
        let mut answer = self.filled(&lane, Answer::new(name, Outcome::Known, Code::AlreadyRecorded, text));
        answer.help = "Go on with the next unit.".to_owned();
        answer.serial = Some(serial.to_owned());
        Some(answer)
    }

    /// What the work order and the label together say of the unit.
    fn attributes(&self, name: &str, lane: &Lane, label: &Attributes) -> Result<Attributes, Answer> {
        let Some(order) = &lane.work_order else {
            if self.line.packing.work_order_required {
                let help = "Scan the work order's barcode first.";
                return Err(Answer::refused(name, Code::NoWorkOrder, "There is no work order", help));
            }
            return Ok(label.clone());
        };
        let mut attributes = order.attributes.clone();
        attributes.insert("workOrder".to_owned(), order.id.clone().into());
        for (key, value) in label {
            match attributes.get(key) {
                Some(expected) if expected != value => {
                    let text = format!("The label says {key} {}, the work order {}", plain(value), plain(expected));
                    let help = "Set the unit aside: it belongs to something else.";
                    return Err(Answer::refused(name, Code::OtherThanWorkOrder, text, help));
                }
                _ => attributes.insert(key.clone(), value.clone()),
            };
        }
        Ok(attributes)
    }

    fn check_room(&self, name: &str, lane: &Lane) -> Result<(), Answer> {
        if let Some(package) = &lane.package {
            if package.count >= self.line.packing.package_size {
                let text = format!("Package {} is full with {} units", package.id, package.count);
                return Err(Answer::refused(name, Code::PackageFull, text, "Scan CLOSE PACKAGE, then the unit again."));
            }
        } else if self.pallet_is_full(lane) {
            let pallet = lane.pallet.as_ref().map(|p| p.id.as_str()).unwrap_or_default();
            let text = format!("Pallet {pallet} is full with {} packages", self.line.packing.pallet_size);
            return Err(Answer::refused(name, Code::PalletFull, text, "Scan CLOSE PALLET, then the unit again."));
        }
        Ok(())
    }

    fn pallet_is_full(&self, lane: &Lane) -> bool {
        lane.pallet.as_ref().is_some_and(|pallet| pallet.count >= self.line.packing.pallet_size)
    }

    /// A unit needs an open package on an open pallet. Their ids are durable from here on, whatever becomes of the labels.
    fn open_containers(&mut self, name: &str, lane: &mut Lane) -> Result<(), Answer> {
        if lane.pallet.is_none() {
            lane.pallet = Some(OpenPallet::new(self.open(name, Level::Pallet)?));
        }
        if lane.package.is_none() {
            lane.package = Some(OpenPackage::new(self.open(name, Level::Package)?));
        }
        Ok(())
    }

    fn open(&mut self, name: &str, level: Level) -> Result<String, Answer> {
        if self.state.sscc_lost {
            let text = "No SSCC can be given out: this station does not know which ones it has used";
            let help = "Wait until the service has said so, or let a technician enter the first free serial reference: \
                        lotline-station sscc enter N.";
            return Err(Answer::refused(name, Code::NoSscc, text, help));
        }
        let mut allocator = Allocator::resume(self.state.sscc_next, self.state.sscc_reserved);
        let sscc = allocator.take(&self.line.packing.sscc).map_err(|error: AllocError| {
            let text = match error {
                AllocError::RangeExhausted { .. } => error.to_string(),
                AllocError::BlockUsedUp { .. } => {
                    "No SSCC can be given out: the next block could not be reserved on disk".to_owned()
                }
            };
            let help = "Tell a technician: the station can open no package until it has SSCCs again.";
            Answer::refused(name, Code::NoSscc, text, help)
        })?;
        self.state.sscc_next = allocator.next();
        let mut draft = Draft::new(Event::Opened, Subject::container(sscc.as_str()));
        draft.lane = Some(name.to_owned());
        draft.attributes = [
            ("level".to_owned(), serde_json::json!(level)),
            // From here the service knows which ones are used, where the station's marks are lost.
            ("serialReference".to_owned(), serde_json::json!(allocator.next() - 1)),
        ]
        .into();
        self.write(draft);
        Ok(sscc.as_str().to_owned())
    }

    fn closed(&mut self, name: &str, id: &str, level: Level, count: u32) -> Draft {
        let mut draft = Draft::new(Event::Closed, Subject::container(id));
        draft.lane = Some(name.to_owned());
        draft.attributes =
            [("level".to_owned(), serde_json::json!(level)), ("count".to_owned(), serde_json::json!(count))].into();
        draft
    }

    /// Closes the open package; it joins the open pallet.
    fn close_package(&mut self, name: &str, lane: &mut Lane) {
        let Some(package) = lane.package.take() else { return };
        let mut draft = self.closed(name, &package.id, Level::Package, package.count);
        if let Some(pallet) = &mut lane.pallet {
            pallet.add(&package);
            draft.into = vec![Joined::container(&pallet.id, Level::Pallet)];
        }
        self.write(draft);
        self.print(name, Level::Package, &package.id, Some(package.count), &package.common);
        self.state.counters.packages += 1;
        self.apply_waiting(name, lane);
    }

    fn close_pallet(&mut self, name: &str, lane: &mut Lane) {
        let Some(pallet) = lane.pallet.take() else { return };
        let draft = self.closed(name, &pallet.id, Level::Pallet, pallet.count);
        self.write(draft);
        self.print(name, Level::Pallet, &pallet.id, pallet.units, &pallet.common);
        self.state.counters.pallets += 1;
    }

    pub(super) fn close_package_by_command(&mut self, name: &str) -> Result<Answer, Answer> {
        let mut lane = self.state.lane(name);
        let Some(package) = lane.package.clone().filter(|package| package.count > 0) else {
            return Err(Answer::refused(
                name,
                Code::NothingToClose,
                "No package with units is open",
                "Go on scanning units.",
            ));
        };
        let text = format!("Package {} closed with {} units", package.id, package.count);
        let mut answer = self.filled(&lane, Answer::new(name, Outcome::Done, Code::PackageClosed, text));
        self.close_package(name, &mut lane);
        let after = self.filled(&lane, answer.clone());
        answer.pallet = after.pallet;
        if self.pallet_is_full(&lane) && self.line.packing.pallet_close == Close::Auto {
            self.close_pallet(name, &mut lane);
            answer.text.push_str("; pallet full and closed");
        }
        self.state.lanes.insert(name.to_owned(), lane);
        Ok(answer)
    }

    pub(super) fn close_pallet_by_command(&mut self, name: &str) -> Result<Answer, Answer> {
        let mut lane = self.state.lane(name);
        if let Some(package) = lane.package.as_ref().filter(|package| package.count > 0) {
            let text = format!("Package {} is still open with {} units", package.id, package.count);
            return Err(Answer::refused(name, Code::PackageOpen, text, "Scan CLOSE PACKAGE, then CLOSE PALLET again."));
        }
        let Some(pallet) = lane.pallet.clone().filter(|pallet| pallet.count > 0) else {
            return Err(Answer::refused(
                name,
                Code::NothingToClose,
                "No pallet with packages is open",
                "Go on scanning units.",
            ));
        };
        let text = format!("Pallet {} closed with {} packages", pallet.id, pallet.count);
        let answer = self.filled(&lane, Answer::new(name, Outcome::Done, Code::PalletClosed, text));
        self.close_pallet(name, &mut lane);
        self.state.lanes.insert(name.to_owned(), lane);
        Ok(answer)
    }

    pub(super) fn void_last(&mut self, name: &str) -> Result<Answer, Answer> {
        let mut lane = self.state.lane(name);
        let Some(unit) = lane.package.as_mut().and_then(|package| {
            let unit = package.recent.pop()?;
            package.count -= 1;
            Some(unit)
        }) else {
            let (text, help) = match &lane.package {
                Some(package) if package.count > 0 => (
                    format!("Only the last {} units of a package can be taken back by command", OpenPackage::RECENT),
                    "Set the package aside.",
                ),
                _ => (
                    "No unit is in an open package".to_owned(),
                    "A closed package cannot be changed by this command: set it aside.",
                ),
            };
            return Err(Answer::refused(name, Code::NothingToVoid, text, help));
        };
        let subject = Subject { kind: Kind::Device, id: unit.serial.clone(), scope: unit.scope.clone() };
        let mut draft = Draft::new(Event::Voided, subject);
        draft.lane = Some(name.to_owned());
        draft.reason = Some("mistake".to_owned());
        let packed = self.line.record(unit.seq);
        draft.corrects = Some(RecordId { series: unit.series.unwrap_or(packed.series), ..packed });
        self.write(draft);
        self.state.counters.voided += 1;
        self.known.push(KnownChange::Remove { scope: unit.scope, serial: unit.serial.clone() });
        let text = format!("{} taken back: put it out of the package", unit.serial);
        let mut answer = self.filled(&lane, Answer::new(name, Outcome::Done, Code::Voided, text));
        answer.serial = Some(unit.serial);
        // An empty package does not hold up a work order.
        if lane.package.as_ref().is_some_and(|package| package.count == 0) {
            self.apply_waiting(name, &mut lane);
        }
        self.state.lanes.insert(name.to_owned(), lane);
        Ok(answer)
    }
}

/// Where a unit is, behind a comma.
pub(super) fn in_package(known: &Known) -> String {
    known.package.as_ref().map_or(String::new(), |package| format!(", in package {package}"))
}

/// A value as people write it.
pub(super) fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
