// Reads a call from each line, and prints what came of it.

import { createInterface } from "node:readline";

/** `run` returns presences or throws, and `graphs` returns the status and Graph's error of what was thrown. */
export async function serve(run, graphs) {
    for await (const line of createInterface({ input: process.stdin })) {
        console.log(JSON.stringify(await result(() => run(JSON.parse(line)), graphs)));
    }
}

async function result(run, graphs) {
    try {
        const presences = await run();
        return { presences: presences.map(({ id, availability, activity }) => [id, availability, activity]) };
    } catch (thrown) {
        try {
            const { status, code, message, innerError } = graphs(thrown);
            const date = new Date(innerError.date).toISOString();
            const requestId = innerError["request-id"] ?? innerError.requestId;
            const clientRequestId = innerError["client-request-id"] ?? innerError.clientRequestId;
            return { status, code, message, requestId, clientRequestId, date };
        } catch {
            return { failure: String(thrown.stack ?? thrown) };
        }
    }
}
