"""Placeholders in the text of a template, written as CloudFormation writes them: `${NAME}` or `${RESOURCE.Arn}`."""

from typing import Final

from zerotouch.api.meta import TEMPLATE_OWNERS

PARTITION: Final = "${AWS::Partition}"
ACCOUNT: Final = "${AWS::AccountId}"
REGION: Final = "${AWS::Region}"
TOKEN: Final = "${SubscriptionToken}"
GATEWAY: Final = "${APIGatewayURL}"
REGIONS: Final = "${Regions}"
MAIN_REGION: Final = "${MainRegion}"
CONNECTOR_ROLE: Final = "${ConnectorRoleName}"
CONNECTOR_ACCOUNT: Final = "${ConnectorAccountID}"
CONNECTOR_EXTERNAL_ID: Final = "${ConnectorExternalID}"

# Of the role that the operator assumes.
OPERATOR_ROLE: Final = "${OperatorRoleARN}"
EXTERNAL_ID: Final = "${ExternalID}"
NAME_PREFIX: Final = "${NamePrefix}"
EXISTING_CONNECTOR_ROLE: Final = "${ExistingConnectorRoleName}"

CLOUDFORMATION_OWNER, TERRAFORM_OWNER = TEMPLATE_OWNERS

# Source of the pattern: Qualys's CloudFormation template. A header's value has at most 512 characters (EventBridge API
# reference, ConnectionHeaderParameter), of which "Bearer " takes 7.
TOKEN_PATTERN: Final = r"^[\w\-]{1,64}\.[\w\-]{1,1024}\.[\w\-]{20,100}$"
TOKEN_MOST: Final = 512 - len("Bearer ")
GATEWAY_PATTERN: Final = r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?$"
NAME_PREFIX_PATTERN: Final = "^[A-Za-z][A-Za-z0-9-]{2,31}$"
ROLE_NAME_PATTERN: Final = r"^[\w+=,.@-]{1,64}$"


def reference(kind: str) -> str:
    """The ARN of the resource of a kind in the same template."""
    return f"${{{kind}.Arn}}"
