import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.Socket;

/** A web server of the JDK that needs its database before it listens. */
public class Server {
    static int connect(String database) throws Exception {
        String[] parts = database.split(":");
        try (Socket connection = new Socket(parts[0], Integer.parseInt(parts[1]))) {
            return connection.getInputStream().read(); // waits here
        }
    }

    public static void main(String[] args) throws Exception {
        String database = System.getenv("DATABASE");
        if (database == null) {
            throw new IllegalStateException("DATABASE is not set");
        }
        if (!database.isEmpty()) {
            connect(database);
        }
        HttpServer server = HttpServer.create(new InetSocketAddress(Integer.parseInt(args[0])), 0);
        server.createContext("/health", exchange -> {
            byte[] body = "{\"status\":\"UP\"}".getBytes();
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
