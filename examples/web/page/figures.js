// The figures: five scenes, each with a hand.

import { init } from "../pkg/index.js";
import { NINE, at } from "./presets.js";
import { Record } from "./record.js";
import { Scene } from "./scene.js";
import { Timeline } from "./timeline.js";
import { show, until, write } from "./words.js";

const LAPTOP = '{"sessionId":"laptop","availability":"Available","activity":"Available","expirationDuration":"PT1H"}';
const PHONE = '{"sessionId":"phone","availability":"Busy","activity":"InACall","expirationDuration":"PT20M"}';

/** What happens in each figure, by the id of its title, where the hand is, and the last minute that is seen. */
const FIGURES = {
  fades: { now: 7, to: 68, happen: (record) => record.send("setPresence", LAPTOP, NINE) },
  refreshes: { now: 14, to: 88, happen: (record) => refresh(record, 0, 20) },
  wins: {
    now: 16,
    to: 60,
    happen(record) {
      refresh(record, 0, 10);
      record.send("setPresence", PHONE, at(10));
      refresh(record, 10, 60);
    },
  },
  prefers: {
    now: 25,
    to: 70,
    happen(record) {
      refresh(record, 0, 10);
      record.send("setUserPreferredPresence", '{"availability":"DoNotDisturb","activity":"DoNotDisturb","expirationDuration":"PT55M"}', at(10));
      refresh(record, 10, 40);
      record.send("clearPresence", '{"sessionId":"laptop"}', at(40));
    },
  },
  "goes-back": {
    now: 22,
    to: 66,
    isClockSetBack: true,
    happen(record) {
      record.send("setPresence", PHONE.replace("PT20M", "PT30M"), at(30));
    },
  },
};

/** Refreshes the laptop as often as a client does. */
function refresh(record, from, to) {
  for (let time = at(from); time < at(to); time += 100_000) {
    record.send("setPresence", LAPTOP, time);
  }
}

class Figure {
  #scene;
  #timeline;
  #presence;
  #until;
  #frame = 0;

  constructor(root, name, { now, to, happen, isClockSetBack = false }) {
    const record = new Record(NINE);
    happen(record);
    this.#scene = new Scene(record, record.last);
    this.#scene.setWrong(isClockSetBack);
    this.#scene.moveTo(at(now));
    this.#presence = root.querySelector(".presence");
    this.#until = root.querySelector(".now span");
    this.#timeline = new Timeline(root.querySelector(".timeline"), {
      name: `Clock of “${name}”`,
      requestsName: "Messages",
      onMove: (time) => this.#soon(time),
      onResize: () => this.#soon(this.#scene.now),
    });
    this.#timeline.show(at(-2), at(to));
    this.#draw();
  }

  #soon(time) {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => {
      this.#scene.moveTo(Math.min(Math.max(time, this.#timeline.from), this.#timeline.to));
      this.#draw();
    });
  }

  #draw() {
    const { now, model, record, isClockSetBack } = this.#scene;
    const presence = model.presence(now);
    // The story goes on: what comes is known, except where the hand decides it.
    const picture = isClockSetBack ? this.#scene.picture : record.paint(record.requests.length, record.last);
    const next = picture.effective.find(({ from }) => from > now);
    show(this.#presence, presence);
    write(this.#until, until(next && { at: next.from, presence: next.presence }, now, presence));
    const lanes = [{ key: "effective", name: "Others see", kind: "effective", bars: picture.effective, text: "" }];
    if (record.hasPreference) {
      lanes.push({ key: "preferred", name: "Ana's choice", kind: "lane", bars: picture.preferred, text: "" });
    }
    for (const [id, bars] of picture.sessions) {
      lanes.push({ key: `session ${id}`, name: id === "laptop" ? "Laptop" : "Phone", kind: "lane", bars, text: "" });
    }
    // A clock that is set back has no dots: the message was in what is now the future.
    const requests = isClockSetBack ? undefined : record.requests;
    this.#timeline.draw({ now, presence, lanes, requests, version: record.version });
  }
}

await init();
for (const root of document.querySelectorAll(".figure")) {
  const title = root.querySelector("h2");
  new Figure(root, title.textContent, FIGURES[title.id]);
}
