// The field names in people's words, and records as sentences.

/** What a field is called, and what one of its values is called within a sentence. */
const FIELDS = {
  serialNumber: ["Serial number", "serial number"],
  partNumber: ["Part number", "part number"],
  pcbPartNumber: ["Board part number", "board part number"],
  fwVersion: ["Firmware version", "firmware"],
  deviceType: ["Device type", "device type"],
  connhexId: ["Connhex id", "Connhex id"],
  workOrder: ["Work order", "work order"],
  productionOrder: ["Production order", "production order"],
  palletId: ["Pallet", "pallet"],
  packageId: ["Package", "package"],
  lotCode: ["Lot", "lot"],
  hardwareRevision: ["Hardware revision", "hardware revision"],
  scope: ["Scope", "scope"],
  state: ["State", "state"],
  contested: ["Contested", "contested"],
  firstSeen: ["First seen", "first seen"],
  lastSeen: ["Last seen", "last seen"],
  records: ["Own records", "own records"],
};

export const title = (name) => FIELDS[name]?.[0] ?? name;
export const word = (name) => FIELDS[name]?.[1] ?? name;

/** A value as text: texts stay as they are, the rest is written as JSON. */
export const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/** The dimension of what a record joins or parts from; `null` for what is none. */
function dimension(joined) {
  if (joined.kind === "container") return joined.level ? `${joined.level}Id` : null;
  return { workOrder: "workOrder", lot: "lotCode" }[joined.kind] ?? null;
}

/** A thing in a sentence. */
export const thing = (joined) => ({
  word: joined.kind === "container" ? (joined.level ?? "container") : joined.scope ? joined.scope : joined.kind,
  id: joined.id,
  dimension: dimension(joined),
  device: joined.kind === "device" ? { serial: joined.id, scope: joined.scope || undefined } : null,
});

function list(things) {
  return things.flatMap((joined, n) => [n === 0 ? "" : n === things.length - 1 ? " and " : ", ", thing(joined)]);
}

/** What a record is about. The level of a container stands with itself, or where something joined it. */
const itself = (record, levels) => thing({ level: record.attributes?.level ?? levels.get(record.subject?.id), ...record.subject });

const SENTENCES = {
  packed(record) {
    if (record.from?.length) {
      const parted = ["Moved from ", ...list(record.from)];
      return record.into?.length ? [...parted, " into ", ...list(record.into)] : ["Taken out of ", ...list(record.from)];
    }
    return record.into?.length ? ["Packed into ", ...list(record.into)] : ["Recorded"];
  },
  closed(record, levels) {
    const into = record.into?.length ? [" and put onto ", ...list(record.into)] : [];
    const from = record.from?.length ? [", taken from ", ...list(record.from)] : [];
    return [capital("", itself(record, levels)), " closed", ...into, ...from];
  },
  moved: (record, levels) => ["Moved", ...record.from?.length ? [" from ", ...list(record.from)] : [], ...record.into?.length ? [" into ", ...list(record.into)] : [],
    ...record.subject?.kind === "container" ? [": ", itself(record, levels)] : []],
  takenOut: (record) => ["Taken out", ...record.from?.length ? [" of ", ...list(record.from)] : []],
  scrapped: (record) => ["Scrap", ...record.from?.length ? [", taken out of ", ...list(record.from)] : []],
  reopened: (record, levels) => [capital("", itself(record, levels)), " opened again"],
  tested: (record) => [`Test ${record.attributes?.result === "pass" ? "passed" : "failed"}`],
  assembled: (record, levels) => [capital("", itself(record, levels)), ...record.into?.length ? [" built into ", ...list(record.into)] : [" assembled"]],
  despatched: (record, levels) => [capital("", itself(record, levels)), " despatched"],
  counted: (record, levels) => ["Counted: ", itself(record, levels)],
  contradicted: (record) => ["Contradiction: ", text(record.attributes?.text ?? record.attributes?.code ?? "")],
  adopted: (record, levels) => [capital("", itself(record, levels)), " taken over by this station"],
  opened: (record, levels) => [capital("", itself(record, levels)), " opened"],
  voided: (record) => ["Corrected: ", { record: record.corrects }, " was a mistake and never true"],
  held: (record, levels) => ["Put on hold: ", itself(record, levels)],
  released: (record, levels) => ["Hold is over: ", itself(record, levels)],
  refused(record) {
    const { code, count } = record.attributes ?? {};
    const times = Number(count) > 1 ? `${count} scans refused` : "Scan refused";
    return [code === undefined ? times : `${times}: ${text(code)}`];
  },
  labelPrinted: (record, levels) => ["Label of ", itself(record, levels), " printed"],
  labelDoubtful: (record, levels) => ["Nobody knows whether the label of ", itself(record, levels), " came out"],
  labelAgain: (record, levels) => ["A person decided to print the label of ", itself(record, levels), " again"],
  workOrderStarted: (record) => ["Work order ", { ...thing(record.subject), word: "" }, " started"],
  workOrderEnded: (record) => ["Work order ", { ...thing(record.subject), word: "" }, " ended"],
};

/** A sentence begins with a capital letter. */
const capital = (before, it) => ({ ...it, word: before + it.word.charAt(0).toUpperCase() + it.word.slice(1) });

/** What happened: texts, things `{word, id, dimension}` and records `{record}`. `levels`: of containers, by id. */
export function sentence(record, levels) {
  const known = Object.hasOwn(SENTENCES, record.event) ? SENTENCES[record.event] : null;
  if (known) return known(record, levels);
  if (record.line !== undefined && record.event === undefined) return ["A record that this version cannot read"];
  const name = String(record.event ?? "unknown").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  const joins = [["into", record.into], ["from", record.from]].filter(([, things]) => things?.length);
  return [`${name.charAt(0).toUpperCase()}${name.slice(1)}: `, itself(record, levels), ...joins.flatMap(([how, things]) => [` ${how} `, ...list(things)])];
}

/** What attributes that are not people's words say; null where it goes without saying. */
const REMARKS = {
  count: (value) => `${text(value)} ${Number(value) === 1 ? "unit" : "units"}`,
  copies: (value) => (Number(value) === 1 ? null : `${text(value)} copies`),
  confirmed: (value) => ({ printer: "label confirmed by the printer", person: "label confirmed by a person" })[value] ?? `label confirmed: ${text(value)}`,
};

/** Names of digests: SHA-256 of what was used. */
const DIGESTS = { template: "Template of the label", picture: "Picture of the label" };
const isDigest = (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);

/** What a record says beside its sentence: `chips` of name (or null) and value, and `digests` of name and value. */
export function remarks(record) {
  const said = { refused: ["code", "count"], contradicted: ["code", "text"], tested: ["result"] }[record.event] ?? (record.subject?.kind === "container" ? ["level"] : []);
  const attributes = Object.entries(record.attributes ?? {}).filter(([name]) => !said.includes(name));
  const [digests, others] = [true, false].map((is) => attributes.filter(([, value]) => isDigest(value) === is));
  const chips = others.map(([name, value]) => (Object.hasOwn(REMARKS, name) ? [null, REMARKS[name](value)] : [title(name), text(value)]));
  return { chips: chips.filter(([, value]) => value !== null), digests: digests.map(([name, value]) => [DIGESTS[name] ?? title(name), value]) };
}
