// Prints what tasks/kernels/tables.py holds, as Java 17 has it: a line for every code point that is not all
// zeros, "<hex> <lower case of it alone, hex> <word-break class> <cased> <general category> <script> <folded, hex
// joined by commas>". Run: java CodePoints.java
// The word-break class is found by probing java.text.BreakIterator, whose character data are a build product
// of the JDK and differ from Character.getType's.
import java.text.BreakIterator;
import java.text.Normalizer;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

public class CodePoints {
    static final BreakIterator words = BreakIterator.getWordInstance(Locale.ROOT);
    static final String[][] PROBES = {{"a", "a"}, {"1", "1"}, {"a", "1"}, {"", "1"}, {"$", "1"}, {"1%", "a"}};
    // the answers of a known member tell what a class looks like
    static final int[] MEMBERS = {'A', '1', 0x300, 0x200B, '-', '"', '.', ',', '$', '%', 0x964};

    static String probe(int code) {
        String middle = new String(Character.toChars(code));
        StringBuilder answer = new StringBuilder();
        for (String[] around : PROBES) {
            String text = around[0] + middle + around[1];
            words.setText(text);
            boolean before = false, after = false;
            for (int at = words.first(); at != BreakIterator.DONE; at = words.next()) {
                before |= at == around[0].length();
                after |= at == around[0].length() + middle.length();
            }
            answer.append(before ? '|' : '.').append(after ? '|' : '.').append(' ');
        }
        return answer.toString();
    }

    // java.lang.ConditionalSpecialCasing.isCased
    static boolean cased(int c) {
        int type = Character.getType(c);
        return type == Character.LOWERCASE_LETTER || type == Character.UPPERCASE_LETTER
            || type == Character.TITLECASE_LETTER || (c >= 0x2B0 && c <= 0x2B8) || (c >= 0x2C0 && c <= 0x2C1)
            || (c >= 0x2E0 && c <= 0x2E4) || c == 0x345 || c == 0x37A || (c >= 0x1D2C && c <= 0x1D61)
            || (c >= 0x2160 && c <= 0x217F) || (c >= 0x24B6 && c <= 0x24E9);
    }

    // NFKD and the lower case of the upper case, until neither changes anything; Hangul syllables stay whole
    static String folded(String text) {
        while (true) {
            StringBuilder out = new StringBuilder();
            text.codePoints().forEach(code -> {
                String one = new String(Character.toChars(code));
                if (code < 0xAC00 || code > 0xD7A3) one = Normalizer.normalize(one, Normalizer.Form.NFKD);
                one.codePoints().forEach(part -> new String(Character.toChars(part)).toUpperCase(Locale.ROOT).codePoints()
                    .forEach(c -> out.append(new String(Character.toChars(c)).toLowerCase(Locale.ROOT))));
            });
            if (out.toString().equals(text)) break;
            text = out.toString();
        }
        boolean jamo = text.codePoints().anyMatch(code -> code >= 0x1100 && code <= 0x11FF);
        return jamo ? Normalizer.normalize(text, Normalizer.Form.NFC) : text;
    }

    static String hex(String text) {
        return text.codePoints().mapToObj(Integer::toHexString).collect(java.util.stream.Collectors.joining(","));
    }

    public static void main(String[] arguments) {
        Map<String, Integer> classes = new HashMap<>();
        for (int i = 0; i < MEMBERS.length; i++) {
            if (classes.put(probe(MEMBERS[i]), i + 1) != null) throw new RuntimeException("probes too few: " + i);
        }
        if (classes.containsKey(probe('('))) throw new RuntimeException("probes too few: (");
        StringBuilder out = new StringBuilder();
        for (int code = 0; code <= Character.MAX_CODE_POINT; code++) {
            if (code >= Character.MIN_SURROGATE && code <= Character.MAX_SURROGATE) continue;
            String lower = new String(Character.toChars(code)).toLowerCase(Locale.ROOT);
            int kind = classes.getOrDefault(probe(code), 0);
            int type = Character.getType(code);
            if (kind == 0 && !cased(code) && lower.codePointAt(0) == code && (type == 0 || type == 18)) continue;
            out.append(Integer.toHexString(code)).append(' ').append(Integer.toHexString(lower.codePointAt(0)));
            out.append(' ').append(kind).append(' ').append(cased(code) ? 1 : 0).append(' ').append(type);
            out.append(' ').append(Character.UnicodeScript.of(code)).append(' ');
            out.append(hex(folded(new String(Character.toChars(code))))).append('\n');
        }
        System.out.print(out);
    }
}
