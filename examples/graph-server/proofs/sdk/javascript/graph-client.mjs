// The package @microsoft/microsoft-graph-client, pointed at a server.

import { Client } from "@microsoft/microsoft-graph-client";
import { serve } from "./serve.mjs";

await serve(async ({ root, token, user, name, headers, body }) => {
    const { origin, hostname, pathname } = new URL(root);
    const client = Client.init({
        baseUrl: `${origin}/`,
        defaultVersion: pathname.slice(1),
        customHosts: new Set([hostname]),
        authProvider: done => done(null, token),
    });
    const action = name.replace("communications/", "");
    const second = action !== name;
    const person = second ? `/communications/presences/${user}` : user ? `/users/${user}/presence` : "/me/presence";
    const request = path => client.api(path).headers(headers);
    switch (action) {
        case "presence":
            return [await request(person).get()];
        case "getPresencesByUserId":
            return (await request("/communications/getPresencesByUserId").post(body)).value;
        default:
            await request(`${person}/${action}`).post(body);
            return [];
    }
}, error => ({ status: error.statusCode, ...JSON.parse(error.body) }));
