"""What the pictures of the page show, and what to look for in them."""

CAPTIONS = {
    "crps": "Fair CRPS by lead time with 95 % intervals over storms. Lower is better; a network "
    "below persistence has learnt something, a student below the control has learnt it from "
    "the teacher.",
    "rmse": "Error of the ensemble mean by lead time, with 95 % intervals over storms.",
    "spread_skill": "Spread over error of the ensemble mean. Below one the ensemble is too "
    "confident, above one too unsure.",
    "heat_map": "The causal effect matrix that training learnt: how much each variable scales "
    "the forecast of each lead time.",
}


def title(name: str) -> str:
    """A file's name as words."""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def caption(name: str) -> str:
    """What the picture of that name shows; its name in words where nothing more is known."""
    return CAPTIONS.get(name, title(name) + ".")
