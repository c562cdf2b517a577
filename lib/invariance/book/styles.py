"""Style sheets without the rules that no page uses."""

import re
from pathlib import Path

import tinycss2

NAME = re.compile(r"[A-Za-z_][\w-]*")


def prune(site: Path) -> None:
    """Drop from every style sheet of a site the rules for classes that neither its pages nor its scripts name."""
    known: set[str] = set()
    for file in (*site.rglob("*.html"), *(site / "_static").rglob("*.js")):
        known.update(NAME.findall(file.read_text("utf-8", errors="replace")))
    for file in sorted((site / "_static").rglob("*.css")):
        rules = tinycss2.parse_stylesheet(file.read_text("utf-8"), skip_comments=True, skip_whitespace=True)
        file.write_text("\n".join(_kept(rules, known)) + "\n", "utf-8")


def _kept(rules: list, known: set[str]) -> list[str]:
    kept = []
    for rule in rules:
        if rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
            inside = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            content = "".join(_kept(inside, known))
            if content:
                kept.append(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{content}}}")
        elif rule.type != "qualified-rule":
            kept.append(rule.serialize())
        else:
            selectors = [one for one in _selectors(rule.prelude) if _classes(one) <= known]
            if selectors:
                kept.append(f"{','.join(selectors)}{{{tinycss2.serialize(rule.content).strip()}}}")
    return kept


def _selectors(prelude: list) -> list[str]:
    """The selectors of a rule, at whose commas it is cut."""
    parts: list[list] = [[]]
    for token in prelude:
        if token == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return [tinycss2.serialize(part).strip() for part in parts]


def _classes(selector: str) -> set[str]:
    """The classes an element needs to be meant; those in brackets, as of `:not(...)`, are not among them."""
    return set(re.findall(r"\.([A-Za-z_][\w-]*)", re.sub(r"\([^()]*(\([^()]*\)[^()]*)*\)", "", selector)))
