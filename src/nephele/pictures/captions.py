"""What the pictures of the page show, and what to look for in them."""

# In the order in which a page shows them.
CAPTIONS = {
    "scores": "The three scores that matter most, by lead time. A network below persistence has "
    "learnt something; a student below the control has learnt it from the teacher. The ratio of "
    "spread to error should be one: below, the ensemble is too confident.",
    "rank_histograms": "A flat histogram is a reliable ensemble; a U says that the truth lies "
    "outside it too often, a slope that it is too warm or too cold.",
    "spectra": "Power by scale. Members should follow the truth: where they fall below it they "
    "are too smooth, where they rise above it they are noisy.",
    "more_scores": "Further scores by lead time. FSS asks whether cold cloud is about where it "
    "should be, at two thresholds.",
    "heat_map": "What the simulated world does without each variable (where there is one), what "
    "the trained teacher's forecast does without it, and what training learnt. The first two share "
    "a colour scale; the third answers another question, on its own.",
    "dose_response": "How the forecast changes when a variable goes a quarter, half and all of the "
    "way to its climatology, beside the true effect where it is known. Dotted: what doubles with "
    "the dose.",
    "encoder_16": "What the encoders see of each variable, at 16×16.",
    "encoder_32": "What the encoders see of each variable, at 32×32.",
    "attention_16": "Features after attention, at 16×16.",
    "attention_32": "Features after attention, at 32×32.",
}
PARTS = {
    "alignment": "Look whether the student's squares of a colour lie among the teacher's circles "
    "of that colour. Distances between clusters mean nothing.",
    "data": "Frames of one storm (top) and the environment at their times; hatched where a "
    "variable is not defined.",
}


def title(name: str) -> str:
    """A file's name as words."""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def caption(name: str, part: str = "") -> str:
    """What the picture `name` in a part of the page shows; at least its name in words."""
    return " ".join(
        text for text in (CAPTIONS.get(name, f"{title(name)}."), PARTS.get(part)) if text
    )
