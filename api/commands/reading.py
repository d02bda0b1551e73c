"""Show a profile as it is answered (contract §5)."""

from projections.profile import StoredProfile, min_document
from schemas.events import ENCODER
from schemas.expansion import Expand
from streams.node import Node


def show(node: Node, profile: StoredProfile, expand: Expand) -> bytes:
    """The JSON of a profile, with its company. The whole form costs no decoding."""
    match expand.profile:
        case "all":
            json = profile.json
        case "min":
            json = ENCODER.encode(min_document(profile.document()))
        case "skip":
            json = ENCODER.encode({"id": profile.id})
    if profile.header.company is None or expand.profile != "all" or expand.company == "skip":
        return json
    company = node.companies.get(profile.header.company, profile.header.account)
    if company is None:
        return json
    return b'%b,"company":%b}' % (json[:-1], company.min)
