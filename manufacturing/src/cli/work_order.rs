//! `work-order`.

use std::io::Write;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::admin::Admin;
use super::device::text;
use super::recall::balance;
use super::{Failure, Service, client, shown};

#[derive(Subcommand)]
pub enum WorkOrder {
    /// A work order is this from now on, and open
    Put(Box<Put>),
    /// Nobody begins a work order any more
    Close(Close),
    /// Work orders, those that were changed last first
    List(List),
    /// What became of its units, and what stations have sealed, held against its quantity
    Balance(Balance),
}

#[derive(Args)]
pub struct Balance {
    /// Its number
    id: String,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: Service,
}

#[derive(Args)]
pub struct Put {
    /// Its number
    id: String,
    /// What it says of its units, such as lotCode=L-9; once for each
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    attributes: Vec<(String, String)>,
    /// Units to be made
    #[arg(long, value_name = "N")]
    quantity: Option<u32>,
    /// Units allowed over the quantity
    #[arg(long, value_name = "N", requires = "quantity")]
    over_run: Option<u32>,
    /// May it be closed below its quantity?
    #[arg(long, value_enum, default_value_t = UnderRun::Allow)]
    under_run: UnderRun,
    /// Units in a package
    #[arg(long, value_name = "N")]
    package_size: Option<u32>,
    /// Packages on a pallet
    #[arg(long, value_name = "N")]
    pallet_size: Option<u32>,
    /// A regular expression that whole serials match
    #[arg(long, value_name = "PATTERN")]
    serial_pattern: Option<String>,
    /// The lowest serial
    #[arg(long, value_name = "SN", requires = "serial_last")]
    serial_first: Option<String>,
    /// The highest serial
    #[arg(long, value_name = "SN", requires = "serial_first")]
    serial_last: Option<String>,
    /// The name of the packages' label
    #[arg(long, value_name = "NAME")]
    package_label: Option<String>,
    /// The name of the pallets' label
    #[arg(long, value_name = "NAME")]
    pallet_label: Option<String>,
    /// A lane that works on it from now on; once for each
    #[arg(long = "lane", value_name = "STATION[/LANE]")]
    lanes: Vec<String>,
    #[command(flatten)]
    change: Change,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum UnderRun {
    Allow,
    Reason,
}

#[derive(Args)]
pub struct Close {
    /// Its number
    id: String,
    /// Why: it stands in the record
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    change: Change,
}

#[derive(Args)]
pub struct List {
    /// Those in this state alone
    #[arg(long, value_parser = ["open", "closed"])]
    state: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: Service,
}

#[derive(Args)]
struct Change {
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: Admin,
    #[command(flatten)]
    service: Service,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl WorkOrder {
    pub async fn run(self, output: &mut dyn Write) -> Result<(), Failure> {
        let (answer, json) = match self {
            Self::Put(put) => {
                let body = put.body();
                let change = &put.change;
                let path = ["v1", "work-orders", &put.id];
                (change.service.put(&path, &change.admin.token()?, &body).await?, change.json)
            }
            Self::Close(Close { id, reason, change }) => {
                let path = ["v1", "work-orders", &id, "close"];
                let body = json!({ "reason": reason });
                (change.service.post(&path, &change.admin.token()?, &body).await?, change.json)
            }
            Self::List(list) => {
                let query: Vec<(&str, &str)> = list.state.iter().map(|state| ("state", state.as_str())).collect();
                let answer = list.service.get(&["v1", "work-orders"], &query, "application/json").await?;
                (client::json(answer).await?, list.json)
            }
            Self::Balance(Balance { id, json, service }) => {
                let path = ["v1", "work-orders", &id, "balance"];
                let answer = client::json(service.get(&path, &[], "application/json").await?).await?;
                let text = match json {
                    true => format!("{}\n", shown::clean_json(&answer.to_string())),
                    false => counted(&answer),
                };
                return shown::print(output, &text);
            }
        };
        if json {
            return shown::print(output, &format!("{}\n", shown::clean_json(&answer.to_string())));
        }
        let orders = match &answer["workOrders"] {
            Value::Array(orders) => orders.clone(),
            _ => vec![answer],
        };
        shown::print(output, &table(&orders))
    }
}

impl Put {
    fn body(&self) -> Value {
        let attributes: Map<String, Value> =
            self.attributes.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let mut terms = Map::new();
        let mut say = |name: &str, value: Option<Value>| {
            terms.extend(value.map(|value| (name.to_owned(), value)));
        };
        say("quantity", self.quantity.map(Into::into));
        say("overRun", self.over_run.map(Into::into));
        say("underRun", (self.under_run == UnderRun::Reason).then(|| "reason".into()));
        say("packageSize", self.package_size.map(Into::into));
        say("palletSize", self.pallet_size.map(Into::into));
        say("serialPattern", self.serial_pattern.clone().map(Into::into));
        say("serialFirst", self.serial_first.clone().map(Into::into));
        say("serialLast", self.serial_last.clone().map(Into::into));
        let mut labels = Map::new();
        for (name, label) in [("package", &self.package_label), ("pallet", &self.pallet_label)] {
            labels.extend(label.clone().map(|label| (name.to_owned(), label.into())));
        }
        say("labels", (!labels.is_empty()).then_some(Value::Object(labels)));
        let lanes = self.lanes.iter().map(|name| match name.split_once('/') {
            Some((station, lane)) => json!({"station": station, "lane": lane}),
            None => json!({ "station": name }),
        });
        json!({"attributes": attributes, "terms": terms, "lanes": lanes.collect::<Value>()})
    }
}

fn counted(answer: &Value) -> String {
    let made = &answer["balance"]["made"];
    let mut lines =
        vec![format!("work order {}: {made} units{}", text(&answer["workOrder"]), balance(&answer["balance"]))];
    if let Some(quantity) = answer["quantity"].as_u64() {
        lines.push(format!("ordered {quantity}: {} beyond that", answer["madeBeyondQuantity"]));
    }
    lines.extend(answer["seals"].as_array().into_iter().flatten().map(|seal| {
        format!("station {} has sealed {} units, {} are stored", text(&seal["station"]), seal["made"], seal["stored"])
    }));
    lines.extend(
        answer["differences"].as_array().into_iter().flatten().map(|said| format!("DIFFERENCE: {}", text(said))),
    );
    lines.iter().map(|line| format!("{}\n", shown::clean(line))).collect()
}

fn table(orders: &[Value]) -> String {
    if orders.is_empty() {
        return "there is no work order\n".to_owned();
    }
    let mut lines = vec![["work order", "state", "quantity", "says", "lanes"].map(str::to_owned).to_vec()];
    lines.extend(orders.iter().map(|order| {
        let pairs = order["attributes"].as_object().into_iter().flatten();
        let says: Vec<String> = pairs.map(|(name, value)| format!("{name} {}", text(value))).collect();
        let lanes = order["lanes"].as_array().into_iter().flatten();
        let lanes: Vec<String> =
            lanes.map(|lane| format!("{}/{}", text(&lane["station"]), text(&lane["lane"]))).collect();
        let quantity = order["terms"]["quantity"].as_u64().map_or(String::new(), |quantity| quantity.to_string());
        let state = match order["reason"].as_str() {
            Some(reason) => format!("closed: {reason}"),
            None => text(&order["state"]),
        };
        vec![text(&order["workOrder"]), state, quantity, says.join(", "), lanes.join(", ")]
    }));
    shown::table(&lines)
}
