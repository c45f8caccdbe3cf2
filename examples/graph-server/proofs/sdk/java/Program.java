import com.google.gson.Gson;
import com.microsoft.graph.communications.getpresencesbyuserid.GetPresencesByUserIdPostRequestBody;
import com.microsoft.graph.models.Presence;
import com.microsoft.graph.models.odataerrors.ODataError;
import com.microsoft.graph.serviceclient.GraphServiceClient;
import com.microsoft.graph.users.item.presence.clearpresence.ClearPresencePostRequestBody;
import com.microsoft.graph.users.item.presence.setpresence.SetPresencePostRequestBody;
import com.microsoft.graph.users.item.presence.setuserpreferredpresence.SetUserPreferredPresencePostRequestBody;
import com.microsoft.kiota.PeriodAndDuration;
import com.microsoft.kiota.RequestHeaders;
import com.microsoft.kiota.authentication.AccessTokenProvider;
import com.microsoft.kiota.authentication.AllowedHostsValidator;
import com.microsoft.kiota.authentication.BaseBearerTokenAuthenticationProvider;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Microsoft's Graph SDK for Java, pointed at a server: reads a call from each line, and prints what came of it. */
public class Program {
    record Call(String root, String token, String user, String name, Map<String, String> headers, Body body) {}

    record Body(
        String sessionId, String availability, String activity, String expirationDuration, List<String> ids) {}

    record OneToken(String token) implements AccessTokenProvider {
        public String getAuthorizationToken(URI uri, Map<String, Object> context) {
            return token;
        }

        public AllowedHostsValidator getAllowedHostsValidator() {
            return new AllowedHostsValidator();
        }
    }

    static final Map<List<String>, GraphServiceClient> CLIENTS = new HashMap<>();

    static GraphServiceClient client(String root, String token) {
        return CLIENTS.computeIfAbsent(List.of(root, token), key -> {
            var client = new GraphServiceClient(new BaseBearerTokenAuthenticationProvider(new OneToken(token)));
            client.getRequestAdapter().setBaseUrl(root);
            return client;
        });
    }

    static List<Presence> run(Call call) {
        var client = client(call.root, call.token);
        var person = (call.user == null ? client.me() : client.users().byUserId(call.user)).presence();
        var one = call.user == null ? null : client.communications().presences().byPresenceId(call.user);
        var in = call.body;
        var duration = in.expirationDuration == null ? null : PeriodAndDuration.parse(in.expirationDuration);
        switch (call.name) {
            case "setPresence" -> {
                var body = new SetPresencePostRequestBody();
                body.setSessionId(in.sessionId);
                body.setAvailability(in.availability);
                body.setActivity(in.activity);
                body.setExpirationDuration(duration);
                person.setPresence().post(body, how -> add(call, how.headers));
            }
            case "clearPresence" -> {
                var body = new ClearPresencePostRequestBody();
                body.setSessionId(in.sessionId);
                person.clearPresence().post(body, how -> add(call, how.headers));
            }
            case "setUserPreferredPresence" -> {
                var body = new SetUserPreferredPresencePostRequestBody();
                body.setAvailability(in.availability);
                body.setActivity(in.activity);
                body.setExpirationDuration(duration);
                person.setUserPreferredPresence().post(body, how -> add(call, how.headers));
            }
            case "clearUserPreferredPresence" -> {
                person.clearUserPreferredPresence().post(how -> add(call, how.headers));
            }
            case "presence" -> {
                return List.of(person.get(how -> add(call, how.headers)));
            }
            case "communications/setPresence" -> {
                var body = new com.microsoft.graph.communications.presences.item.setpresence.SetPresencePostRequestBody();
                body.setSessionId(in.sessionId);
                body.setAvailability(in.availability);
                body.setActivity(in.activity);
                body.setExpirationDuration(duration);
                one.setPresence().post(body, how -> add(call, how.headers));
            }
            case "communications/clearPresence" -> {
                var body =
                    new com.microsoft.graph.communications.presences.item.clearpresence.ClearPresencePostRequestBody();
                body.setSessionId(in.sessionId);
                one.clearPresence().post(body, how -> add(call, how.headers));
            }
            case "communications/setUserPreferredPresence" -> {
                var body = new com.microsoft.graph.communications.presences.item.setuserpreferredpresence
                    .SetUserPreferredPresencePostRequestBody();
                body.setAvailability(in.availability);
                body.setActivity(in.activity);
                body.setExpirationDuration(duration);
                one.setUserPreferredPresence().post(body, how -> add(call, how.headers));
            }
            case "communications/clearUserPreferredPresence" -> {
                one.clearUserPreferredPresence().post(how -> add(call, how.headers));
            }
            case "communications/presence" -> {
                return List.of(one.get(how -> add(call, how.headers)));
            }
            case "getPresencesByUserId" -> {
                var body = new GetPresencesByUserIdPostRequestBody();
                body.setIds(in.ids);
                var post = client.communications().getPresencesByUserId();
                return post.post(body, how -> add(call, how.headers)).getValue();
            }
            default -> throw new IllegalArgumentException(call.name);
        }
        return List.of();
    }

    static void add(Call call, RequestHeaders headers) {
        call.headers.forEach(headers::add);
    }

    static Map<String, Object> result(Call call) {
        try {
            var presences = run(call).stream();
            var found = presences.map(one -> Arrays.asList(one.getId(), one.getAvailability(), one.getActivity()));
            return Map.of("presences", found.toList());
        } catch (ODataError odata) {
            var error = odata.getError();
            return Map.of(
                "status", odata.getResponseStatusCode(),
                "code", error.getCode(),
                "message", error.getMessage(),
                "requestId", error.getInnerError().getRequestId(),
                "clientRequestId", error.getInnerError().getClientRequestId(),
                "date", error.getInnerError().getDate().toInstant().toString());
        } catch (RuntimeException failure) {
            return Map.of("failure", failure.toString());
        }
    }

    public static void main(String[] arguments) throws Exception {
        var gson = new Gson();
        var lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null;) {
            System.out.println(gson.toJson(result(gson.fromJson(line, Call.class))));
        }
        System.exit(0);
    }
}
