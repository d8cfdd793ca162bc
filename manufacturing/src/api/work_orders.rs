//! `/v1/work-orders`: what stations may work on, and what it says of their units.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use records::attributes::Attributes;
use records::wire::Terms;
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::body::{self, Change};
use super::changes::decide;
use super::parameters::{Parameters, wrong};
use super::problem::Problem;
use crate::recall::Balance;
use crate::recall::seals::seals;
use crate::store::{Ask, Snapshot, Source, StoredOrder, sql};
use crate::work_order::{LaneName, Plan};

/// Most work orders in one answer.
const MOST: u64 = 1000;

type Id = Result<Path<String>, PathRejection>;

/// What is put.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Put {
    #[serde(default)]
    attributes: Attributes,
    #[serde(default)]
    terms: Terms,
    #[serde(default)]
    lanes: Vec<LaneName>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Close {
    reason: String,
}

/// Those that were changed last, newest first; with `workOrder` that one alone, as its own path answers.
pub async fn list(State(app): State<Arc<App>>, uri: Uri) -> Result<Json<Value>, Problem> {
    let parameters = Parameters::of(&uri, &["workOrder", "state", "most"])?;
    if let Some(id) = parameters.text("workOrder") {
        return find(&app, id.to_owned()).await;
    }
    let open = match parameters.text("state") {
        None => None,
        Some("open") => Some(true),
        Some("closed") => Some(false),
        Some(_) => return Err(wrong("`state` is neither open nor closed", "leave it out for both")),
    };
    let most = parameters.number("most")?.unwrap_or(MOST);
    if !(1..=MOST).contains(&most) {
        return Err(wrong("`most` cannot be taken", format!("write a number from 1 to {MOST}")));
    }
    let orders = app.store.read(move |snapshot| snapshot.work_orders(open, most)).await?;
    Ok(Json(json!({ "workOrders": orders.iter().map(shown).collect::<Value>() })))
}

/// One of them.
pub async fn one(State(app): State<Arc<App>>, id: Id) -> Result<Json<Value>, Problem> {
    find(&app, named(id)?).await
}

/// A work order is this from now on, and open; the lanes that it names are told.
pub async fn put(State(app): State<Arc<App>>, id: Id, Change(asked): Change<Put>) -> Result<Json<Value>, Problem> {
    let id = named(id)?;
    let Put { attributes, terms, lanes } = asked;
    let plan = Plan { id: id.clone(), attributes, terms, lanes };
    let plan = plan.checked().map_err(|error| wrong(base::describe(&error), "nothing was changed; mend it"))?;
    decide(&app, Ask::Plan(Box::new(plan))).await?;
    find(&app, id).await
}

/// Nobody begins it any more; the lanes that were told of it have none.
pub async fn close(State(app): State<Arc<App>>, id: Id, Change(asked): Change<Close>) -> Result<Json<Value>, Problem> {
    let (id, reason) = (named(id)?, body::reason(&asked.reason)?);
    decide(&app, Ask::CloseOrder { id: id.clone(), reason }).await?;
    find(&app, id).await
}

fn named(id: Id) -> Result<String, Problem> {
    let Ok(Path(id)) = id else { return Err(wrong("the work order in the path cannot be read", "write its number")) };
    body::name(&id)
}

async fn find(app: &App, id: String) -> Result<Json<Value>, Problem> {
    let asked = id.clone();
    match app.store.read(move |snapshot| snapshot.work_order(&asked)).await? {
        Some(order) => Ok(Json(shown(&order))),
        None => Err(unknown(&id)),
    }
}

/// What became of the units of a work order, and what its stations have sealed, held against its quantity.
pub async fn balance(State(app): State<Arc<App>>, id: Id) -> Result<Json<Value>, Problem> {
    let id = named(id)?;
    let asked = id.clone();
    let reading = app.store.long_reader().await?.run(move |snapshot| {
        let order = snapshot.work_order(&asked)?;
        let made = match snapshot.has_group("workOrder", &asked)? {
            true => Some(counts(snapshot, &asked)?),
            false => None,
        };
        Ok((order, made, seals(snapshot, &snapshot.stations()?, "workOrder", &asked)?))
    });
    let (order, made, seals) = reading.await?;
    if order.is_none() && made.is_none() && seals.is_empty() {
        return Err(unknown(&id));
    }
    let made = made.unwrap_or_default();
    let quantity = order.and_then(|order| order.plan.terms.quantity);
    let sealed: u64 = seals.iter().map(|seal| seal.made).sum();
    let over = |count: u64| quantity.map(|quantity| i128::from(count) - i128::from(quantity));
    Ok(Json(json!({
        "workOrder": id, "quantity": quantity, "balance": made, "seals": seals, "sealed": sealed,
        // What the stations have counted, and what is stored, beyond what was ordered; negative where it is fewer.
        "sealedBeyondQuantity": over(sealed), "madeBeyondQuantity": over(made.made),
        "differences": seals.iter().filter_map(|seal| seal.says("workOrder", &id)).collect::<Vec<_>>(),
    })))
}

fn counts(snapshot: &Snapshot<'_>, id: &str) -> sql::Result<Balance> {
    let (values, mut balance) = ([id.to_owned()], Balance::default());
    let source = Source::Group { dimension: "workOrder", values: &values, further: &[] };
    snapshot.select(&[source], None, |matched| {
        matched.units.iter().filter(|unit| !unit.corrected).for_each(|unit| balance.count(unit.state));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(balance)
}

/// There is no such work order.
pub fn unknown(id: &str) -> Problem {
    let message = format!("no work order `{}` is known", id.escape_debug());
    Problem::new(StatusCode::NOT_FOUND, "unknownWorkOrder", message)
        .help("see /v1/work-orders; upper and lower case count")
}

fn shown(order: &StoredOrder) -> Value {
    let mut answer = json!({
        "workOrder": order.plan.id, "attributes": order.plan.attributes, "terms": order.plan.terms,
        "lanes": order.plan.lanes, "revision": order.revision, "since": order.since,
        "state": if order.closed.is_some() { "closed" } else { "open" },
    });
    if let Some(reason) = &order.closed {
        answer["reason"] = reason.as_str().into();
    }
    answer
}
