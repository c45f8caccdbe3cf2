// The packages @microsoft/msgraph-sdk and @microsoft/msgraph-sdk-users, pointed at a server. There is no package yet for
// the paths under `/communications`.

import { BaseBearerTokenAuthenticationProvider, Duration } from "@microsoft/kiota-abstractions";
import { createGraphServiceClient, GraphRequestAdapter } from "@microsoft/msgraph-sdk";
import "@microsoft/msgraph-sdk-users";
import { serve } from "./serve.mjs";

await serve(async ({ root, token, user, name, headers, body }) => {
    const adapter = new GraphRequestAdapter(new BaseBearerTokenAuthenticationProvider({
        getAuthorizationToken: async () => token,
        getAllowedHostsValidator: () => undefined,
    }));
    adapter.baseUrl = root;
    const client = createGraphServiceClient(adapter);
    const { presence } = user ? client.users.byUserId(user) : client.me;
    const how = { headers: Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, [value]])) };
    if (name === "presence") {
        return [await presence.get(how)];
    }
    if (name === "clearUserPreferredPresence") {
        await presence.clearUserPreferredPresence.post(how);
    } else {
        await presence[name].post({ ...body, expirationDuration: Duration.parse(body.expirationDuration) }, how);
    }
    return [];
}, error => ({ status: error.responseStatusCode, ...error.errorEscaped }));
