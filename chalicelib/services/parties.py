"""From whom a sheet about money is, and to whom: the same on the screen and on paper (DOMAIN.md 7.3).

Documents carry the client's legal name; the name they go by belongs on screens.
"""

from chalicelib.context import Context
from chalicelib.services.tenants import billing


def sender(context: Context) -> list[str]:
    """Below the organization's name: its address, telephone and numbers, those that it has."""
    bills = billing(context.tenant)
    lines = [context.tenant.address, context.tenant.phone]
    lines += [f"Tax ID {bills['tax_id']}" if bills["tax_id"] else None, f"NPI {bills['npi']}" if bills["npi"] else None]
    return [each for each in lines if each]


def billed_to(context: Context) -> list[str]:
    """The client's legal name and, where it is known, their address."""
    held = context.client.address
    if not held:
        return [str(context.client.legal_name)]
    town = f"{held['city']}, {held['region']} {held['postal_code']}"
    return [each for each in (context.client.legal_name, held["line1"], held.get("line2"), town) if each]
