"""Sheets to print in tests: one ordinary, one with everything long."""

from dispatch.label import Sheet

ORDINARY = Sheet(
    waybill_no="9712345678901",
    order_no="ZD2017-330182-0000123-01",
    tracking_url="https://zd.example.gov.cn/t/7K3M9QW2X4TB",
    recipient_name="任**",
    recipient_phone="138******34",
    recipient_address="浙江省杭州市建德市新安江街道严州大道****号*幢*单元***室",
    sender_name="建德市行政审批中心",
    sender_phone="0571-64720000",
    sender_address="浙江省杭州市建德市新安江街道严州大道1288号",
    contents=("不动产权证书（正本1）", "建设工程规划许可证（正本1、副本2）"),
    way_of_delivery="须上门投递",
    sorting_code="杭州330-12A07",
    carrier_name="中国邮政EMS",
    payer="免费",
    printed_on="2017-06-20 10:32",
)

LONG = Sheet(
    waybill_no="ZX33012717000001",
    order_no="ZD2017-330182-0000123-01-0000000000000001",
    tracking_url="https://zhengwu-zhuandi.a-county-with-a-long-name.gov.cn/tracking/t/7K3M9QW2X4TB7K3M9QW2X4TB?x=1",
    recipient_name="买****·*********·****·******",
    recipient_phone="138******34",
    recipient_address="新疆维吾尔自治区克孜勒苏柯尔克孜自治州阿图什市阿扎克镇提坚村委会旁边往前走三百米路口左转第二条巷子最里面一家"
    + "旁边的小院" * 8,
    sender_name="建德市行政审批中心投资项目联合审批窗口",
    sender_phone="0571-64720000",
    sender_address="浙江省杭州市建德市新安江街道" + "严州大道某某大厦" * 6,
    contents=tuple(f"建设工程规划许可证及附图附件第{i}册（正本1、副本2）" for i in range(1, 41)),
    way_of_delivery="村级代收点：浙江省杭州市建德市大慈岩镇李村村便民服务中心代办点",
    sorting_code="杭州330-12A07建德01",
    carrier_name="中国邮政速递物流EMS浙江省分公司",
    payer="财政统付",
    printed_on="2017-06-20 10:32",
    copy=3,
)
