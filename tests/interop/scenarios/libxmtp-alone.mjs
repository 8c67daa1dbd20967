export const name='libxmtp-alone'
export const cases=[]
