// What the page says, as pure functions of what the station says.

const LONGEST = 120;

// Scanned text for people: nothing that moves the cursor or turns the writing direction, and not too much.
export function shown(text, most = LONGEST) {
  const plain = String(text ?? "").replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u00b7");
  const characters = [...plain.slice(0, 2 * most + 2)];
  return characters.length > most ? `${characters.slice(0, most).join("")} …` : plain;
}

export const TITLES = {
  "packed": "PACKED",
  "package-closed": "PACKAGE CLOSED",
  "pallet-closed": "PALLET CLOSED",
  "voided": "TAKEN BACK",
  "work-order-started": "NEW WORK ORDER",
  "work-order-unchanged": "SAME WORK ORDER",
  "work-order-ended": "WORK ORDER ENDED",
  "work-order-waits": "WORK ORDER WAITS",
  "duplicate": "ALREADY PACKED",
  "already-recorded": "RECORDED ALREADY",
  "on-hold": "ON HOLD",
  "no-rule": "UNKNOWN CODE",
  "container-label": "BOX LABEL",
  "two-rules": "UNCLEAR CODE",
  "bad-value": "WRONG CODE",
  "not-text": "NOT READABLE",
  "no-read": "NOT READ",
  "noise": "NOT READ",
  "no-code": "NO CODE FOUND",
  "picture": "PICTURE NOT TAKEN",
  "gs1": "WRONG GS1 CODE",
  "no-work-order": "NO WORK ORDER",
  "other-than-work-order": "WRONG PART",
  "package-open": "PACKAGE IS OPEN",
  "package-full": "PACKAGE IS FULL",
  "pallet-full": "PALLET IS FULL",
  "nothing-to-close": "NOTHING TO CLOSE",
  "nothing-to-void": "NOTHING TO TAKE BACK",
  "no-sscc": "NO NUMBERS LEFT",
  "label-confirmed": "LABEL CONFIRMED",
  "label-again": "LABEL GOES TO PRINTER",
  "label-changed": "LABEL HAS CHANGED",
  "label-not-doubtful": "ANSWERED ALREADY",
  "label-on-its-way": "LABEL IS ON ITS WAY",
  "no-label": "NO SUCH LABEL",
  "no-printer": "NO PRINTER",
  "not-durable": "NOT RECORDED",
  "not-here": "NOT HERE",
  "waiting": "SCAN THE NEXT",
  "cancelled": "CANCELLED",
  "nothing-waits": "NOTHING WAITS",
  "part-taken": "SCAN THE REST",
  "moved": "MOVED",
  "taken-out": "TAKEN OUT",
  "scrap-recorded": "SCRAP",
  "hold-recorded": "PUT ON HOLD",
  "hold-released": "RELEASED",
  "not-held": "NOT ON HOLD",
  "late-result": "LATE RESULT",
  "reopened": "OPEN AGAIN",
  "sealed": "SEALED",
  "signed-on": "SIGNED ON",
  "signed-off": "SIGNED OFF",
  "role-changed": "NEW TASK",
  "test-started": "TESTING",
  "test-passed": "PASSED",
  "test-failed": "FAILED",
  "assembled": "BUILT IN",
  "assembly-complete": "UNIT COMPLETE",
  "despatch-noted": "NOTED",
  "despatch-recorded": "DESPATCHED",
  "recounting": "COUNTING",
  "found": "FOUND",
  "counted": "COUNT AGREES",
  "count-differs": "COUNT DIFFERS",
  "looked-up": "LOOKED UP",
  "stacked": "ON THE PALLET",
  "container-opened": "OPENED",
  "label-checked": "LABEL IS RIGHT",
  "adopted": "TAKEN OVER",
  "contradicted": "CONTRADICTION",
  "duplicate-order": "DUPLICATE",
  "duplicate-elsewhere": "PACKED ELSEWHERE",
  "wrong-product": "WRONG PRODUCT",
  "wrong-lot": "WRONG LOT",
  "wrong-pattern": "WRONG SERIAL",
  "not-in-range": "WRONG SERIAL",
  "check-digit": "CHECK DIGIT",
  "unknown-work-order": "UNKNOWN ORDER",
  "work-order-closed": "ORDER IS CLOSED",
  "label-mixed": "TWO LABELS MIXED",
  "rig-failed": "NO TEST RESULT",
  "not-tested": "NOT TESTED",
  "failed-test": "FAILED ITS TEST",
  "scrapped": "SCRAP",
  "recall": "UNDER RECALL",
  "in-another-package": "OTHER PACKAGE",
  "on-another-pallet": "OTHER PALLET",
  "in-another-unit": "OTHER UNIT",
  "no-operator": "SIGN ON FIRST",
  "quantity-reached": "ORDER IS FULL",
  "order-sealed": "ORDER IS SEALED",
  "unknown-label": "NO SUCH LABEL",
  "retest-limit": "TESTED TOO OFTEN",
  "reason-missing": "REASON MISSING",
  "not-a-role": "NOT THIS LANE",
  "unknown-unit": "UNKNOWN UNIT",
  "unknown-container": "UNKNOWN BOX",
  "not-inside": "IN NO PACKAGE",
  "container-closed": "BOX IS CLOSED",
  "container-open": "BOX IS OPEN",
  "container-full": "BOX IS FULL",
  "despatched": "HAS LEFT",
  "wrong-level": "WRONG BOX",
  "already-there": "THERE ALREADY",
  "scan-label": "SCAN THE LABEL",
  "scan-container": "SCAN A LABEL",
  "despatch-missing": "TO WHOM?",
  "no-test": "NO TEST RUNS",
  "other-unit": "OTHER UNIT",
  "incomplete": "PARTS MISSING",
  "busy": "FINISH FIRST",
  "service-silent": "SERVICE SILENT",
};

export function title(answer) {
  return TITLES[answer.code] ?? (answer.outcome === "refused" ? "REFUSED" : answer.outcome === "accepted" ? "PACKED" : answer.outcome === "known" ? "RECORDED ALREADY" : "DONE");
}

// In a sentence, in a word, and how it looks.
export const LABEL_STATES = {
  waiting: ["waits for the printer", "waits", "warn"],
  sending: ["is being printed", "prints", "plain"],
  printed: ["printed", "printed", "good"],
  doubtful: ["did it come out?", "out?", "bad"],
  failed: ["cannot be drawn", "failed", "bad"],
};

export function duration(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} days`;
}

export function clock(date) {
  return date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

function records(count) {
  return count === 1 ? "1 record waits" : `${count} records wait`;
}

// The queue in words: {state: good|plain|warn|bad, text, help}. `offline` is since when there is no network, where known.
export function queue(status, offline) {
  const uplink = status.notices.uplink;
  const waiting = status.undelivered;
  const notice = status.quotaNotice;
  if (notice) {
    const state = notice.level === "alarm" ? "bad" : "warn";
    const lasts = notice.lastsSeconds == null ? "" : ` in about ${duration(notice.lastsSeconds)}`;
    return { state, text: `Station memory ${notice.percent} % full`, help: `${records(waiting)}. Packing stops${lasts || " when it is full"}: restore the network.` };
  }
  if (!uplink.connected) {
    const text = offline ? `No network since ${clock(offline)}` : "No network";
    const help = waiting ? `${records(waiting)} here: go on packing` : "Records are kept here: go on packing";
    return { state: "warn", text, help };
  }
  if (waiting === 0) return { state: "good", text: "All delivered", help: "" };
  const age = status.oldestUndeliveredSeconds;
  if (age < 15) return { state: "good", text: "Delivering", help: waiting === 1 ? "1 record" : `${waiting} records` };
  return { state: "warn", text: `${records(waiting)} for the service`, help: `oldest ${duration(age)}: go on packing` };
}

// What there is to know of the way to the service.
export function delivery(status) {
  const uplink = status.notices.uplink;
  const full = Math.floor((status.journalBytes * 100) / Math.max(1, status.journalQuota));
  const notice = status.quotaNotice;
  const holds = status.holds?.ids;
  return [
    ...(notice ? [`${shown(notice.text, 300)} ${shown(notice.help, 300)}`] : []),
    uplink.connected ? "The station is connected to the network." : "The station is not connected. Everything is kept here and is delivered later: go on packing.",
    ...(uplink.trouble ? [shown(uplink.trouble, 300)] : []),
    status.undelivered === 0 ? "Every record is delivered." : `${records(status.undelivered)}, the oldest for ${duration(status.oldestUndeliveredSeconds)}.`,
    ...(notice ? [] : [`The station's memory is ${full} % full.`]),
    ...(holds ? [`${holds === 1 ? "1 serial or lot is" : `${holds} serials and lots are`} on hold.`] : []),
  ];
}

// What else is wrong and what to do: [{level: warn|bad, text, help, list?}].
export function troubles(status, lane) {
  const found = [];
  for (const alarm of status.alarms ?? []) {
    found.push({ level: "bad", text: shown(alarm, 400), help: "Tell a technician." });
  }
  if (status.ssccMark === null) {
    found.push({ level: "warn", text: "No new package can be opened", help: "This station does not know which SSCCs it has used: the service has to be reached, or a technician enters the mark." });
  }
  const devices = (kind, devices) => {
    for (const [name, device] of Object.entries(devices ?? {})) {
      if (device.ready) continue;
      const text = `${kind} ${shown(name, 40)} is not ready`;
      found.push({ level: "bad", text, help: shown(device.why, 300) || "Look at its cable and its power." });
    }
  };
  const notRecorded = status.notRecorded;
  if (notRecorded) {
    const since = clock(new Date(notRecorded.since.wall));
    const text = `${notRecorded.count === 1 ? "1 scan was" : `${notRecorded.count} scans were`} not recorded since ${since}`;
    found.push({ level: "bad", text, help: "The station could not write. Put red units aside and scan them again when scans are green." });
  }
  if (status.quotaNotice?.level === "alarm") {
    found.push({ level: "bad", text: shown(status.quotaNotice.text, 300).replace(/\.$/, ""), help: shown(status.quotaNotice.help, 300) });
  }
  devices("Scanner", status.notices.scanners);
  devices("Printer", status.notices.printers);
  for (const [name, why] of Object.entries(status.notices.refusedWorkOrders ?? {})) {
    const text = `A work order was refused${name === lane ? "" : ` on lane ${shown(name, 40)}`}`;
    found.push({ level: "warn", text, help: shown(why, 300) });
  }
  for (const [name, count] of Object.entries(status.labels.attentionByLane)) {
    // Those of a lane that is not there any more are asked about on every screen.
    if (name === lane || !(name in status.lanes) || count === 0) continue;
    const text = `Lane ${shown(name, 40)} has ${count === 1 ? "a label" : `${count} labels`} to look at`;
    found.push({ level: "warn", text, help: "Choose that lane above, and answer there." });
  }
  if (status.quarantined > 0) {
    const text = status.quarantined === 1 ? "1 record was set aside by the service" : `${status.quarantined} records were set aside by the service`;
    found.push({ level: "warn", text, help: "Tell a technician: lotline-station queue quarantine names them." });
  }
  const uplink = status.notices.uplink;
  if (uplink.refusedHolds) found.push({ level: "warn", text: "What the service put on hold was refused", help: shown(uplink.refusedHolds, 300) });
  // Without a network there is nothing else to say; who wants to know why touches the queue.
  if (uplink.trouble && uplink.connected) found.push({ level: "warn", text: "The way to the service is disturbed", help: `${shown(uplink.trouble, 300)}. Packing goes on.` });
  return found;
}
