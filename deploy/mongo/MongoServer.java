import de.bwaldvogel.mongo.MongoBackend;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.net.InetSocketAddress;

/** Serves the MongoDB wire protocol on one address until it is told to stop. */
public final class MongoServer {
    private MongoServer() {
    }

    /** Arguments: HOST PORT, then "memory" or "h2" FILE. */
    public static void main(String[] args) {
        if (args.length < 3 || (args[2].equals("h2") && args.length < 4)) {
            System.err.println("usage: MongoServer HOST PORT memory|h2 [FILE]");
            System.exit(2);
        }
        MongoBackend backend = args[2].equals("h2") ? new H2Backend(args[3]) : new MemoryBackend();
        var server = new de.bwaldvogel.mongo.MongoServer(backend);
        if (args[2].equals("memory")) {
            server.enableOplog(); // change streams; the H2 backend would write 20 times slower with it
        }
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        server.bind(new InetSocketAddress(args[0], Integer.parseInt(args[1])));
    }
}
