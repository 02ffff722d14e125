"""Every header starts with a sentence that says what it is, has at most 400 lines, functions of at most 40,
and holds no mutable variable outside a function or class object."""
import re

import common

HEADER_LINES = 400
FUNCTION_LINES = 40


def functions_of(text):
    """(first line, number of lines) of every outermost function body in `text`, which has no comments or strings."""
    found = []
    stack = []  # kinds of the open braces: "scope", "function" or "other"
    started = 0
    head_start = 0
    parentheses = 0
    for at, character in enumerate(text):
        if character in "([":
            parentheses += 1
        elif character in ")]":
            parentheses -= 1
        elif character == ";" and parentheses == 0:
            head_start = at + 1
        elif character == "{":
            kind = "other"
            head = re.sub(r"^\s*#.*$", "", text[head_start:at], flags=re.M)
            if "function" not in stack and parentheses == 0:
                kind = kind_of(head)
                if kind == "function":
                    started = head_start + len(text[head_start:at]) - len(text[head_start:at].lstrip())
            stack.append(kind)
            if kind != "other":
                head_start = at + 1
        elif character == "}" and stack:
            kind = stack.pop()
            if kind == "function":
                first = text.count("\n", 0, started) + 1
                found.append((first, text.count("\n", 0, at) + 2 - first))
            if kind != "other":
                head_start = at + 1
    return found


def kind_of(head):
    """What a brace opens, by the text between the last statement and the brace."""
    plain = re.sub(r"\b(public|private|protected)\s*:", "", head)
    previous = None
    while previous != plain:  # template parameter lists hold `class` and defaults; take the innermost ones away
        previous = plain
        plain = re.sub(r"<[^<>()]*>", "", plain)
    if re.search(r"\b(namespace|extern)\b", plain):
        return "scope"
    if re.search(r"\b(class|struct|union|enum)\b", plain) and not re.search(r"[\w>]\s*\(.*\)", plain, re.S):
        return "scope"
    if re.search(r"\b(class|struct)\b", plain) and re.search(r"\brequires\b", plain):
        return "scope"
    if re.search(r"\bconcept\b|=\s*(requires\b.*)?$", plain, re.S):
        return "other"
    return "function" if "(" in plain else "other"


def variables_of(text):
    """(line, statement) of variables with static storage that are neither constexpr nor constinit const."""
    found = []
    for match in re.finditer(r"^[ \t]*((?:static|inline|thread_local|extern)\b[^;{}()]*)[;={]", text, re.M):
        statement = " ".join(match.group(1).split())
        if not re.search(r"\b(constexpr|constinit const|namespace|consteval)\b", statement):
            found.append((text.count("\n", 0, match.start()) + 1, statement))
    found += [(text.count("\n", 0, match.start()) + 1, "thread_local")
              for match in re.finditer(r"\bthread_local\b", text)]
    return found


def faults_of(name, text):
    faults = []
    lines = text.splitlines()
    comment = []
    for line in lines:
        if not line.startswith("// "):
            break
        comment.append(line[3:])
    if not comment or not re.match(r"[A-Za-z0-9`]", comment[0]) or not re.search(r"[.:]", " ".join(comment)):
        faults.append(f"{name}:1: the first line says in one sentence what the header is")
    if "#pragma once" not in lines:
        faults.append(f"{name}:1: no #pragma once")
    if len(lines) > HEADER_LINES:
        faults.append(f"{name}: {len(lines)} lines, at most {HEADER_LINES}")
    code = common.without_comments_and_strings(text)
    for first, length in functions_of(code):
        if length > FUNCTION_LINES:
            faults.append(f"{name}:{first}: a function of {length} lines, at most {FUNCTION_LINES}")
    for line, statement in variables_of(code):
        faults.append(f"{name}:{line}: a variable with static storage that is not constexpr: {statement}")
    return faults


def self_test():
    top = "// What it is.\n#pragma once\n"
    def body(n): return "    f();\n" * n
    good = [top + "namespace a {\n" + "int f() {\n" + body(38) + "}\n}",
            top + "template <class T = std::vector<int>>\nclass c {\n" + "void f();\n" * 60 + "};",
            top + "namespace a {\nstruct s {\n" + "int x = 0;\n" * 60 + "};\n}",
            top + "class a requires(sizeof(int) == 4) {\n" + "int x = 0;\n" * 60 + "};",
            top + "inline constexpr int t[] = {\n" + "1,\n" * 60 + "};\nstatic int f();\ninline int g() { return 1; }",
            top + "template <class T>\nconcept c = requires(T t) {\n" + "{ t.f() };\n" * 60 + "};"]
    bad = [top + "int f() {\n" + body(39) + "}", top + "class c {\n  public:\n    int f() const noexcept {\n" + body(39) + "}\n};",
           top + "template <class T>\nauto f(T t = {}) -> std::vector<T> requires(x<T>) {\n" + body(39) + "}",
           top + "struct s {\n explicit s(int x) : x_{x}, y_(x) {\n" + body(39) + "}\nint x_, y_;\n};",
           "#pragma once\n", "// what\n#pragma once\n", "// What it is.\n", top + "//\n" * 400,
           top + "inline int counter = 0;", top + "void f() {\n    static std::vector<int> v;\n}", top + "inline thread_local int x;",
           top + "void f() {\n    const auto g = [] { static const int t[2] = {1, 2}; return t; };\n    static const auto x = 3;\n}"]
    faults = [f"accepted:\n{case[:300]}" for case in bad if not faults_of("x", case)]
    faults += [f"refused: {faults_of('x', case)}\n{case[:300]}" for case in good if faults_of("x", case)]
    common.finish(faults, "the check tells right from wrong")


if __name__ == "__main__":
    if common.arguments().self_test:
        self_test()
    found = []
    for header in common.headers():
        found += faults_of(header.relative_to(common.ROOT).as_posix(), header.read_text())
    common.finish(found, f"{len(common.headers())} headers keep the style")
