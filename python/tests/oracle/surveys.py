"""Survey answers: loyalty, satisfaction, effort, and whether the listening is sound."""

from __future__ import annotations

import pandas as pd

from .cases import every_ticket, with_customer
from .raw import World, else_, kept, remembered, true
from .rollup import Cells, Results

SLACK = 1e-9  # cuts are exact fractions, floats are not
SUBJECT_COLUMNS = ("channel", "topic", "team", "agent", "handled_by", "product")


@remembered
def subjects(world: World) -> pd.DataFrame:
    """What an answer can be about, by subject_type and subject_id, with the dimensions it lends to it."""
    agents_team = world.lookup("agents", "team")
    tickets = every_ticket(world).assign(subject_type="ticket", handled_by=None)
    tickets["subject_id"] = tickets["ticket_id"]
    calls = world["interactions"].assign(subject_type="interaction")
    calls["subject_id"], calls["agent"], calls["product"] = (
        calls["interaction_id"],
        calls["agent_id"],
        calls["product_id"],
    )
    calls["team"] = calls["agent"].map(agents_team)
    orders = world["orders"].assign(subject_type="order", topic=None, handled_by=None, product=None)
    orders["subject_id"], orders["agent"] = orders["order_id"], orders["agent_id"]
    orders["team"] = orders["agent"].map(agents_team)
    shipments = world["shipments"].assign(
        subject_type="shipment", topic=None, handled_by=None, product=None, agent=None
    )
    shipments["subject_id"], shipments["team"] = shipments["shipment_id"], None
    shipments["channel"] = shipments["order_id"].map(world.lookup("orders", "channel"))
    products = world["products"].assign(subject_type="product", channel=None, topic=None, team=None, agent=None)
    products["subject_id"], products["product"], products["handled_by"] = (
        products["product_id"],
        products["product_id"],
        None,
    )
    articles = world["knowledge_articles"].assign(subject_type="article", channel=None, team=None, agent=None)
    articles["subject_id"], articles["product"], articles["handled_by"] = (
        articles["article_id"], articles["product_id"], None,
    )  # fmt: skip
    columns = ["subject_type", "subject_id", *SUBJECT_COLUMNS]
    kinds = [tickets, calls, orders, shipments, products, articles]
    return pd.concat([kind[columns].astype(object) for kind in kinds], ignore_index=True)


@remembered
def responses(world: World) -> pd.DataFrame:
    """Every row of survey_responses with its dimensions and the place of its score (0 bad, 1 good)."""
    rows = world["survey_responses"].copy()
    rows["survey"], rows["device"] = rows["survey_id"], rows["device_type"]
    rows["response"] = rows["response_id"] + "|" + rows["survey_id"].fillna("")
    rows["at"] = rows.groupby("response")["responded_at"].transform("max")
    rows["aspect"] = rows["aspect"].where(rows["aspect"].notna(), "overall")
    lent = rows[["subject_type", "subject_id"]].merge(subjects(world), on=["subject_type", "subject_id"], how="left")
    lent.index = rows.index
    known_subject = rows["subject_type"].notna() & rows["subject_id"].notna()
    rows["product"] = rows["product_id"]
    for column in SUBJECT_COLUMNS:
        theirs = kept(lent[column], known_subject)
        rows[column] = else_(rows[column], theirs) if column in rows else theirs
    rows["department"] = rows["agent"].map(world.lookup("agents", "department"))
    rows = with_customer(world, rows)
    turned = true(rows["is_scale_reversed"])
    low, high = rows["scale_min"], rows["scale_max"]
    rows["turned_score"] = rows["score"].where(~turned, low + high - rows["score"])
    rows["place"] = (rows["turned_score"] - low) / (high - low)
    points = rows["turned_score"].where(high == 10, 10 * rows["place"])
    is_nps, is_csat, is_ces = (rows["survey_type"] == kind for kind in ("nps", "csat", "ces"))
    rows["answered"] = rows["score"].notna()
    rows["nps_answer"] = is_nps & points.notna()
    rows["promoter"] = is_nps & (points >= 9 - SLACK)
    rows["detractor"] = is_nps & (points <= 6 + SLACK)
    rows["csat_answer"] = is_csat & rows["place"].notna()
    rows["satisfied"] = is_csat & (rows["place"] >= 0.75 - SLACK)
    rows["dissatisfied"] = is_csat & (rows["place"] <= 0.25 + SLACK)
    rows["ces_answer"] = is_ces & rows["place"].notna()
    rows["easy"] = is_ces & (rows["place"] >= 2 / 3 - SLACK)
    rows["unhappy"] = (
        rows["detractor"] | (is_csat & (rows["place"] < 0.5 - SLACK)) | (is_ces & (rows["place"] <= 1 / 3 + SLACK))
    )
    return rows


def scores(world: World, results: Results) -> None:
    """Nps, csat and ces with their shares."""
    rows = responses(world)
    nps = Cells(world, results, rows[rows["nps_answer"]])
    nps.share("nps", nps["promoter"].astype(int) - nps["detractor"].astype(int), 1, factor=100)
    nps.share("promoter_share", "promoter", 1)
    nps.share("detractor_share", "detractor", 1)
    nps.share("passive_share", ~nps["promoter"] & ~nps["detractor"], 1)
    csat = rows[rows["csat_answer"]]
    overall = Cells(world, results, csat[csat["aspect"] == "overall"])
    overall.share("csat", "satisfied", 1)
    overall.mean("csat_mean", 1 + 4 * overall["place"])
    overall.share("dissatisfied_share", "dissatisfied", 1)
    aspects = Cells(world, results, csat)
    aspects.share("csat_by_aspect", "satisfied", 1, by=("aspect", "aspect x channel", "aspect x product"))
    friendly = Cells(world, results, csat[csat["aspect"] == "friendliness"])
    friendly.share("friendliness", "satisfied", 1)
    ces = Cells(world, results, rows[rows["ces_answer"]])
    ces.mean("ces", 1 + 6 * ces["place"])
    ces.share("ces_easy_share", "easy", 1)


def compute(world: World, results: Results) -> None:
    """Every KPI of this family."""
    scores(world, results)
