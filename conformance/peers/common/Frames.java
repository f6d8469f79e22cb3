import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * The conversation of a peer with the test that started it. A message either way is
 * a number of fields, each with its length in front, all as four octets, big endian.
 * The first field of a request is a command; the first field of an answer is "ok",
 * or "no" with the reason as the second. The end of the input ends the peer.
 */
final class Frames {
    /** One command of a peer. What it throws is answered as "no". */
    interface Handler {
        byte[][] handle(String command, byte[][] args) throws Exception;
    }

    private Frames() {}

    /** serve answers until the input ends. Whatever else is printed goes to standard error. */
    static void serve(Handler handler) throws IOException {
        DataInputStream in = new DataInputStream(System.in);
        DataOutputStream out = new DataOutputStream(new FileOutputStream(FileDescriptor.out));
        System.setOut(System.err);
        while (true) {
            byte[][] fields;
            try {
                fields = new byte[in.readInt()][];
            } catch (EOFException end) {
                return;
            }
            for (int i = 0; i < fields.length; i++) {
                fields[i] = new byte[in.readInt()];
                in.readFully(fields[i]);
            }
            byte[][] args = java.util.Arrays.copyOfRange(fields, 1, fields.length);
            byte[][] answer;
            try {
                byte[][] result = handler.handle(text(fields[0]), args);
                answer = new byte[result.length + 1][];
                answer[0] = octets("ok");
                System.arraycopy(result, 0, answer, 1, result.length);
            } catch (Throwable why) {
                answer = new byte[][] {octets("no"), octets(reason(why))};
            }
            java.io.ByteArrayOutputStream buffer = new java.io.ByteArrayOutputStream();
            DataOutputStream framed = new DataOutputStream(buffer);
            framed.writeInt(answer.length);
            for (byte[] field : answer) {
                framed.writeInt(field.length);
                framed.write(field);
            }
            buffer.writeTo(out);
            out.flush();
        }
    }

    static String text(byte[] octets) {
        return new String(octets, StandardCharsets.UTF_8);
    }

    static byte[] octets(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String reason(Throwable why) {
        StringBuilder all = new StringBuilder(String.valueOf(why));
        for (Throwable cause = why.getCause(); cause != null; cause = cause.getCause()) {
            all.append(" / ").append(cause);
        }
        return all.toString();
    }
}
