"""The columns of our own list of issued cases (出证清单): headings, other names, and the API field of each.

Where a file brings the standard columns of 行政许可“双公示” (信用中国), they are taken by heading or by code. Two
columns of one field are read in the order of the names here: the first that is filled in wins.
"""

from dataclasses import dataclass

from dispatch.approval.fields.way import Way


@dataclass(frozen=True)
class Column:
    """One column. `field`: the API's path; `names`: other headings and codes; `choices`: a closed list of words."""

    field: str
    heading: str
    explain: str
    names: tuple[str, ...] = ()
    required: bool = False
    choices: tuple[str, ...] = ()
    example: str = ""
    in_template: bool = True


YES_NO = ("是", "否")
_WAYS = tuple(way.chinese for way in Way)
_VISIT = "办理方式，可加 @日期 和 #同一趟的代号，如 窗口办理@2026-11-02#甲"

COLUMNS: tuple[Column, ...] = (
    Column(
        "case_no",
        "办件编号",
        "审批系统的办件编号，最多50个字符，不含空格；一行一个办件",
        ("办件号", "办件编码", "case_no"),
        required=True,
        example="331127-2026-000123",
    ),
    Column(
        "matter_no",
        "一件事编号",
        "几个办件属于同一件事的，填同一个编号；单独的办件不填",
        ("matter_no",),
        example="YJS-2026-0007",
    ),
    Column(
        "item_code",
        "事项编码",
        "事项的编码，最多50个字符",
        ("XK_ITEM_BM", "事项代码", "item_code"),
        example="XK0010100Y",
    ),
    Column(
        "item_name",
        "事项名称",
        "事项的名称，最多200个字",
        ("许可事项", "许可事项名称", "办理事项", "item_name"),
        required=True,
        example="食品经营许可",
    ),
    Column(
        "department",
        "审批部门",
        "作出决定的部门，最多100个字",
        ("部门", "承办部门", "许可机关", "XK_XKJG", "department"),
        required=True,
        example="县市场监督管理局",
    ),
    Column(
        "decided_at",
        "决定日期",
        "写成 2026-11-02，或用 Excel 的日期格式；不晚于今天",
        ("许可决定日期", "XK_JDRQ", "办结日期", "decided_at"),
        required=True,
        example="2026-11-02",
    ),
    Column(
        "decision_doc_no",
        "决定文书号",
        "决定书的文号，最多100个字",
        ("行政许可决定文书号", "XK_WSH", "文书号", "decision_doc_no"),
        example="（2026）浙1127行审字第00123号",
    ),
    Column(
        "applicant_name",
        "申请人",
        "申请人姓名或单位名称，最多100个字",
        ("申请人姓名", "申请人名称", "行政相对人名称", "XK_XDR_MC", "applicant_name"),
        required=True,
        example="蓝某某",
    ),
    Column(
        "applicant_kind",
        "申请人类别",
        "自然人，或法人及其他组织",
        ("行政相对人类别", "XK_XDR_LB", "XK_XDR_TYPE", "applicant_kind"),
        required=True,
        choices=("自然人", "法人及其他组织"),
        example="自然人",
    ),
    Column(
        "applicant_id_no",
        "申请人证件号码",
        "自然人填18位公民身份号码，单位填18位统一社会信用代码；可不填",
        ("证件号码", "XK_XDR_ZJHM", "公民身份号码", "身份证号", "身份证号码", "applicant_id_no"),
        example="330106199001010018",
    ),
    Column(
        "credit_code",
        "统一社会信用代码",
        "双公示表的列：单位的统一社会信用代码，优先于证件号码",
        ("XK_XDR_SHXYM",),
        in_template=False,
    ),
    Column("id_kind", "证件类型", "双公示表的列：不是身份证的，证件号码不读取", ("XK_XDR_ZJLX",), in_template=False),
    Column(
        "application",
        "申请方式",
        f"怎样提出申请，不填就是网上办理；{_VISIT}",
        ("办理形式", "application"),
        example="网上办理",
    ),
    Column(
        "visits",
        "跑动记录",
        f"申请之后已经跑过的每一趟，用分号隔开；每一趟写：{_VISIT}",
        ("跑动", "visits"),
        example="窗口办理@2026-11-02;咨询",
    ),
    Column(
        "paper_ready",
        "证照已出",
        "纸质证照是否已经制好，不填就是“是”",
        ("纸质证照已出", "已出证", "paper_ready"),
        choices=YES_NO,
        example="是",
    ),
    Column("hold", "暂缓原因", "要暂缓寄递的写原因（如：原证未收回），否则不填", ("hold",), example="待签字"),
    Column(
        "documents",
        "出件",
        "装入信封的证照，用分号隔开，份数写在后面，如 营业执照;副本×2；不填就按事项名称出1份",
        ("证照名称", "许可证书名称", "XK_XKZS", "documents"),
        example="营业执照;营业执照副本×2",
    ),
    Column(
        "slip.recipient_name",
        "收件人",
        "收件人姓名，最多100个字，以证件上的字为准",
        ("收件人姓名", "recipient_name"),
        required=True,
        example="蓝某某",
    ),
    Column(
        "slip.phone",
        "收件人电话",
        "11位手机号码，或带区号的固定电话",
        ("收件人手机", "收件电话", "联系电话", "手机", "手机号码", "phone"),
        required=True,
        example="13900000001",
    ),
    Column(
        "slip.address",
        "收件地址",
        "整行地址，写全省、市、县、乡镇（街道）和门牌；与下面五列只填一种",
        ("地址", "寄递地址", "邮寄地址", "address"),
        example="浙江省丽水市景宁畲族自治县大均乡某某村1号",
    ),
    Column("slip.province", "省", "省、自治区、直辖市", ("省份", "收件省", "province"), example="浙江省"),
    Column("slip.city", "市", "设区的市，直辖市可不填", ("地市", "收件市", "city"), example="丽水市"),
    Column(
        "slip.county",
        "县（市、区）",
        "县、县级市、区",
        ("县", "区县", "县区", "县市区", "收件县", "county"),
        example="景宁畲族自治县",
    ),
    Column(
        "slip.town",
        "乡镇（街道）",
        "乡、镇、街道",
        ("乡镇", "街道", "乡镇街道", "收件乡镇", "town"),
        example="大均乡",
    ),
    Column("slip.detail", "详细地址", "村或路名、门牌、房号，最多200个字", ("detail",), example="某某村1号"),
    Column("slip.postcode", "邮编", "6位数字，可不填", ("邮政编码", "postcode"), example="323500"),
    Column(
        "slip.way",
        "投递方式",
        f"申请人同意的投递方式：{'、'.join(_WAYS)}",
        ("way",),
        required=True,
        choices=_WAYS,
        example="须上门投递",
    ),
    Column(
        "slip.point",
        "投递点",
        "投递方式不是“须上门投递”时，写明是哪一个快件箱、村邮站或邮局",
        ("自提点", "point"),
        example="大均乡伏叶村村邮站",
    ),
    Column(
        "slip.point_at_address",
        "快件箱在收件地址处",
        "快件箱就在收件地址（本小区、本单位）的填是",
        ("point_at_address",),
        choices=YES_NO,
        example="否",
    ),
    Column(
        "slip.brought_to_door",
        "村邮站送到家",
        "由村邮站的人送到家里的填是",
        ("brought_to_door",),
        choices=YES_NO,
        example="否",
    ),
    Column(
        "slip.proxy_allowed",
        "可由他人代收",
        "申请人同意由他人（家人、门卫、物业等）代收的填是",
        ("允许代收", "代收", "proxy_allowed"),
        choices=YES_NO,
        example="否",
    ),
)

BY_FIELD = {column.field: column for column in COLUMNS}
