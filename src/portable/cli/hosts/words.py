"""Every word of a comparison that does not come from the requirements or the profiles, in English and French. Pure."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

Language = Literal["en", "fr"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

_TABLE: Final[Mapping[str, tuple[str, str]]] = {
    # answers
    "met": ("met", "satisfait"),
    "not met": ("not met", "non satisfait"),
    "unknown": ("unknown", "inconnu"),
    "must": ("must", "exigé"),
    "should": ("should", "souhaité"),
    # what decided
    "probe": ("probe", "sonde"),
    "profile": ("profile", "fiche"),
    "person": ("person", "personne"),
    "none": ("nothing", "rien"),
    # how sure
    "primary": ("primary source", "source primaire"),
    "secondary": ("secondary source", "source secondaire"),
    "unverified": ("unverified", "non vérifié"),
    # remarks
    "absent": ("the profile does not say", "la fiche n'en dit rien"),
    "no answer": ("nobody has answered", "personne n'a répondu"),
    "not probed": ("not probed", "non sondé"),
    "conflict": ("sources conflict", "sources contradictoires"),
    "values differ": ("sources give different values", "les sources donnent des valeurs différentes"),
    "probe and profile disagree": ("probe and profile disagree", "la sonde contredit la fiche"),
    "probed unknown": ("probed, without a clear answer", "sondé, sans réponse claire"),
    "stale price": ("stale price", "prix périmé"),
    "other unit": ("price in another unit", "prix dans une autre unité"),
    "expired": ("certificate expired", "certificat expiré"),
    "in progress": ("in progress, not held", "en cours, non détenu"),
    "other service": ("held for another service", "détenu pour un autre service"),
    "other regions": ("only in other regions", "seulement dans d'autres régions"),
    "dated in the future": ("dated in the future", "daté dans le futur"),
    # certifications
    "held": ("held", "détenu"),
    "not held": ("not held", "non détenu"),
    # a person's evidence
    "human": ("a person answers, with evidence", "une personne répond, pièce à l'appui"),
    "contract": ("contract", "contrat"),
    "certificate": ("certificate", "certificat"),
    "audit": ("audit", "audit"),
    "measurement": ("measurement", "mesure"),
    "legal opinion": ("legal opinion", "avis juridique"),
    "statement": ("statement", "attestation"),
    "document": ("document", "document"),
    # comparisons
    "equals": ("is", "vaut"),
    "at_least": ("at least", "au moins"),
    "at_most": ("at most", "au plus"),
    "one_of": ("one of", "parmi"),
    "includes": ("includes", "comprend"),
    "within": ("only among", "uniquement parmi"),
    "yes": ("yes", "oui"),
    "no": ("no", "non"),
    # units
    "bytes": ("bytes", "octets"),
    "requests/s": ("requests/s", "requêtes/s"),
    "bits/s": ("bits/s", "bits/s"),
    "parts": ("parts", "parties"),
    "buckets": ("buckets", "compartiments"),
    "objects": ("objects", "objets"),
    "tags": ("tags", "étiquettes"),
    "s": ("s", "s"),
    # changes
    "appeared": ("appeared", "apparu"),
    "vanished": ("vanished", "disparu"),
    "changed": ("changed", "modifié"),
    "moved to must": ("moved to must", "devenu exigé"),
    "moved to should": ("moved to should", "devenu souhaité"),
    "undated": ("its date did not change", "sa date n'a pas changé"),
    # headings and sentences
    "title": ("Hosts compared", "Comparaison d'hébergeurs"),
    "made": ("Compared on", "Comparé le"),
    "version": ("Requirements of", "Exigences du"),
    "author": ("by", "par"),
    "summary": ("In short", "En bref"),
    "overview": ("Overview", "Vue d'ensemble"),
    "evidence": ("Evidence", "Pièces"),
    "changes": ("What changed since the earlier version", "Ce qui a changé depuis la version précédente"),
    "no changes": ("Nothing changed.", "Rien n'a changé."),
    "host": ("Host", "Hébergeur"),
    "hosts": ("hosts", "hébergeurs"),
    "criterion": ("Criterion", "Critère"),
    "criteria": ("criteria", "critères"),
    "level": ("Level", "Niveau"),
    "weight": ("Weight", "Poids"),
    "provenance": ("From", "Origine"),
    "answer": ("Answer", "Réponse"),
    "date": ("Date", "Date"),
    "before": ("Date before", "Date avant"),
    "after": ("Date now", "Date actuelle"),
    "change": ("Change", "Changement"),
    "fields": ("What", "Quoi"),
    "weight met": ("Weight met", "Poids satisfait"),
    "of": ("of", "sur"),
    "row": ("Built from", "Établi d'après"),
    "row of profile": ("its profile only: not probed", "sa fiche seule : non sondé"),
    "row of probe": ("probe of {date}, and its profile", "sonde du {date}, et sa fiche"),
    "row of probe alone": ("probe of {date} alone: it has no profile", "sonde du {date} seule : aucune fiche"),
    "never met": (
        "Unknown is never counted as met. A certification that a profile does not claim is unknown.",
        "Un critère inconnu n'est jamais compté comme satisfait. Une certification absente d'une fiche est inconnue.",
    ),
    "age": (
        "A price older than {days} days is stale and decides nothing.",
        "Un prix de plus de {days} jours est périmé et ne tranche rien.",
    ),
    "unverified claims": ("An unverified claim decides nothing.", "Une affirmation non vérifiée ne tranche rien."),
    "outranks": ("A probe outranks a profile.", "La sonde prime sur la fiche."),
    "sources": (
        "Values, scopes and notes are quoted in the language of their profiles.",
        "Valeurs, périmètres et notes sont cités dans la langue des fiches.",
    ),
}


def word(key: str, language: Language) -> str:
    """Return a word or sentence in a language."""
    return _TABLE[key][LANGUAGES.index(language)]


def knows(key: str) -> bool:
    """Tell whether there is a word for a key."""
    return key in _TABLE
